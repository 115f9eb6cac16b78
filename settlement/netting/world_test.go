package netting

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"pgregory.net/rapid"

	"entente/schema/wire"
)

const atMS = 1_790_000_000_000

// uetr is the n-th id.
func uetr(n int) wire.ID {
	var id wire.ID
	binary.BigEndian.PutUint32(id[12:], uint32(n))
	return id
}

// made gives a seeded queue: amounts spread over three powers of ten as payments do, and balances that are a share of what members would need on average.
func made(seed uint64, members, payments int, liquidityPercent int64) Queue {
	random := rand.New(rand.NewPCG(seed, 8))
	q := Queue{Ledger: "boj", Currency: jpy, AtMS: atMS}
	total := int64(0)
	for i := range payments {
		from := random.IntN(members)
		to := (from + 1 + random.IntN(members-1)) % members
		minor := int64(math.Exp(random.Float64()*7)*1000) + 1
		total += minor
		class := []Class{Urgent, High, High, Normal, Normal, Normal, Normal, Low}[random.IntN(8)]
		q.Payments = append(q.Payments, Queued{uetr(i), member(from), member(to), minor, class, atMS - int64(random.IntN(3_600_000)), uint32(random.IntN(3))})
	}
	for i := range members {
		available := int64(random.Float64() * 2 * float64(total*liquidityPercent/100) / float64(members))
		q.Accounts = append(q.Accounts, Account{ID: member(i), Owner: fmt.Sprintf("NATION%02d", i/2), AvailableMinor: available})
	}
	return q
}

func member(i int) string { return fmt.Sprintf("DESK%03d", i) }

// drawQueue gives queues of the smallest numbers in which everything can happen.
func drawQueue(t *rapid.T, most int) Queue {
	members := rapid.IntRange(2, 5).Draw(t, "members")
	q := Queue{Ledger: "boj", Currency: jpy, AtMS: atMS}
	for i := range members {
		a := Account{ID: member(i), Owner: member(i), AvailableMinor: rapid.Int64Range(0, 12).Draw(t, "available")}
		if rapid.IntRange(0, 4).Draw(t, "limited") == 0 {
			a.PerPaymentMinor, a.PerDayMinor, a.UsedMinor = rapid.Int64Range(0, 9).Draw(t, "at once"), rapid.Int64Range(0, 20).Draw(t, "a day"), rapid.Int64Range(0, 5).Draw(t, "used")
		}
		q.Accounts = append(q.Accounts, a)
	}
	for i := range rapid.IntRange(0, most).Draw(t, "payments") {
		from := rapid.IntRange(0, members-1).Draw(t, "from")
		to := (from + rapid.IntRange(1, members-1).Draw(t, "distance")) % members
		q.Payments = append(q.Payments, Queued{uetr(i), member(from), member(to), rapid.Int64Range(1, 15).Draw(t, "minor"), Class(rapid.IntRange(1, 4).Draw(t, "class")),
			atMS - rapid.Int64Range(0, 3).Draw(t, "waited"), uint32(rapid.IntRange(0, 2).Draw(t, "left"))})
	}
	return q
}
