package intake

import (
	"encoding/json"
	"fmt"
	"io"

	"entente/settlement/programme"
)

// ReadAgreement reads agreement.json strictly, validates it and gives it normalised. Everything wrong is refused at once: malformed_json, date_invalid,
// unknown_currency, unknown_member, unknown_category, amount_invalid, overflow, too_large, and what Agreement.Validate refuses.
func ReadAgreement(r io.Reader, source string) (programme.Agreement, error) {
	var p problems
	a := readAgreement(r, source, &p)
	return a, p.err()
}

func readAgreement(r io.Reader, source string, p *problems) programme.Agreement {
	before := len(p.found)
	doc, ok := readDocument(r, source, p, []string{"id", "name", "starts", "ends", "tolerance_bp", "members", "categories"}, []string{"budgets"})
	if doc.members == nil {
		return programme.Agreement{}
	}
	a := programme.Agreement{ID: doc.text("id"), Name: doc.text("name"), Starts: doc.date("starts"), Ends: doc.date("ends"), ToleranceBP: doc.integer("tolerance_bp")}
	for i, raw := range doc.list("members") {
		m, _ := readObject(raw, fmt.Sprintf("%s: members[%d]", source, i), p, []string{"nation", "name", "currency", "bank", "bank_name"}, nil)
		member := programme.Member{Nation: programme.Nation(m.text("nation")), Name: m.text("name"), Bank: m.text("bank"), BankName: m.text("bank_name")}
		member.Currency = m.currency("currency")
		a.Members = append(a.Members, member)
	}
	for i, raw := range doc.list("categories") {
		c, _ := readObject(raw, fmt.Sprintf("%s: categories[%d]", source, i), p, []string{"code", "name", "formula"}, []string{"shares"})
		a.Categories = append(a.Categories, programme.Category{Code: c.text("code"), Name: c.text("name"), Formula: readFormula(c, a, p)})
	}
	for i, raw := range doc.list("budgets") {
		a.Budgets = append(a.Budgets, readBudget(raw, fmt.Sprintf("%s: budgets[%d]", source, i), a, p))
	}
	// What could not be read would only be refused a second time by the rules.
	if ok && len(p.found) == before {
		p.addAt(source, a.Validate())
	}
	return a.Normalised()
}

// readBudget reads what one member may be billed in one currency. What the agreement's rules say about it, Validate tells.
func readBudget(raw json.RawMessage, place string, a programme.Agreement, p *problems) programme.Budget {
	o, _ := readObject(raw, place, p, []string{"nation", "currency", "total"}, []string{"categories"})
	b := programme.Budget{Nation: programme.Nation(o.text("nation")), Currency: o.currency("currency")}
	b.Total = o.amount("total", b.Currency)
	limits, given := o.members["categories"]
	if !given {
		return b
	}
	codes, _ := readObject(limits, o.at("categories"), p, nil, nil)
	for _, code := range codes.order {
		category := a.CategoryIndex(code)
		if category < 0 || category >= programme.MaxCategories {
			p.refuse(programme.CodeUnknownCategory, codes.at(code), "use a category of the agreement", "it is no category")
			continue
		}
		b.Limits = append(b.Limits, programme.Limit{Category: uint8(category), Code: code, Most: codes.amount(code, b.Currency)})
	}
	return b
}

func readFormula(c object, a programme.Agreement, p *problems) programme.Formula {
	var f programme.Formula
	switch name := c.text("formula"); name {
	case programme.ActualUse.String():
		f.Kind = programme.ActualUse
	case programme.BasisPoints.String():
		f.Kind = programme.BasisPoints
	default:
		if _, there := c.members["formula"]; there { // its absence was refused already
			p.refuse(CodeMalformedJSON, c.at("formula"), "write actual_use or basis_points", "%.40q is no formula", name)
		}
		return f
	}
	raw, given := c.members["shares"]
	switch {
	case f.Kind == programme.BasisPoints && !given:
		p.refuse(CodeMalformedJSON, c.at("shares"), `write each member's basis points, such as {"IND":5000,"JPN":5000}`, "it is missing")
	case f.Kind == programme.ActualUse && given:
		p.refuse(CodeMalformedJSON, c.at("shares"), "drop them or write the formula basis_points", "the formula actual_use has no shares")
	case given:
		required := make([]string, len(a.Members))
		for i, m := range a.Members {
			required[i] = string(m.Nation)
		}
		shares, _ := readObject(raw, c.at("shares"), p, nil, nil)
		for _, name := range shares.order {
			if _, ok := a.Member(programme.Nation(name)); !ok {
				p.refuse(programme.CodeUnknownMember, shares.at(name), "share among the members", "it is no member")
			}
		}
		for _, nation := range required {
			if _, ok := shares.members[nation]; !ok {
				p.refuse(programme.CodeSharesInvalid, shares.at(nation), "give every member its basis points, 0 if it bears nothing", "the member has no share")
			}
			f.Shares = append(f.Shares, shares.integer(nation))
		}
	}
	return f
}
