package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"entente/schema/refusal"
	"entente/settlement/programme"
)

// CodeConfigInvalid is the refusal for a configuration file that cannot be used.
const CodeConfigInvalid refusal.Code = "config_invalid"

// Roles of processes.
const (
	RoleBank     = "bank"
	RoleDesk     = "desk"
	RoleProvider = "provider"
)

// Config is the configuration file of one process, in JSON. Paths are relative to the file. Nothing secret stands in it: keys lie in key files, and the
// database is reached by a socket, a certificate or a password file of its own.
type Config struct {
	Role             string            `json:"role"`                        // bank, desk or provider
	ID               string            `json:"id"`                          // bank id, nation or provider id, as the trust file has it
	Trust            string            `json:"trust"`                       // network.json
	Keys             string            `json:"keys"`                        // key file
	Unlock           string            `json:"unlock"`                      // file that unlocks the key file
	Broker           string            `json:"broker"`                      // nats://host:port
	Database         string            `json:"database,omitempty"`          // banks and desks: postgres://...
	VerificationKeys map[string]string `json:"verification_keys,omitempty"` // banks: circuit name to file
	ProvingKeys      string            `json:"proving_keys,omitempty"`      // desks: directory of proving keys
	Exercise         string            `json:"exercise,omitempty"`          // desks and providers: directory with the agreement, cases and rates
	ChunkSize        int               `json:"chunk_size,omitempty"`        // desks: items a chunk
	Quotes           *QuoteConfig      `json:"quotes,omitempty"`            // providers
	Metrics          string            `json:"metrics,omitempty"`           // loopback address to serve metrics on
	Traces           string            `json:"traces,omitempty"`            // endpoint that takes traces
	LogLevel         string            `json:"log_level,omitempty"`         // debug, info, warn or error; info when empty
	Development      bool              `json:"development,omitempty"`       // single-server broker and single-party keys allowed

	path string
}

// QuoteConfig says how a provider quotes.
type QuoteConfig struct {
	On        programme.Date    `json:"on"`          // day whose reference rates it quotes over
	SpreadBPS int64             `json:"spread_bps"`  // added to the reference rate, basis points
	FirmForMS int64             `json:"firm_for_ms"` // how long a quote is firm
	Accounts  map[string]string `json:"accounts"`    // bank id to the provider's account there
}

const limitConfig = 1 << 20

// ReadConfig reads a configuration file for a role, or for the role it names itself when role is empty, and names everything wrong with it at once. Refusal: config_invalid.
func ReadConfig(path, role string) (*Config, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, refusal.Newf(CodeConfigInvalid, "check the path", "the configuration file cannot be read: %v", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, limitConfig+1))
	if err != nil {
		return nil, fmt.Errorf("read the configuration file: %w", err)
	}
	if len(content) > limitConfig {
		return nil, refusal.Newf(CodeConfigInvalid, "use a configuration file", "%s has more than %d bytes", path, limitConfig)
	}
	var c Config
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nil, refusal.Newf(CodeConfigInvalid, "correct the file", "%s: %v", place(path, content, d.InputOffset()), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, refusal.Newf(CodeConfigInvalid, "leave one object in the file", "%s: something follows the object", place(path, content, d.InputOffset()))
	}
	c.path = path
	if role == "" {
		role = c.Role
	}
	if err := c.check(role); err != nil {
		return nil, err
	}
	return &c, nil
}

// place gives file and line of an offset.
func place(path string, content []byte, offset int64) string {
	line := 1 + bytes.Count(content[:min(offset, int64(len(content)))], []byte("\n"))
	return fmt.Sprintf("%s line %d", path, line)
}

func (c *Config) check(role string) error {
	var wrong []error
	fault := func(field, do, format string, args ...any) {
		wrong = append(wrong, refusal.Newf(CodeConfigInvalid, do, "%s: %s: %s", c.path, field, fmt.Sprintf(format, args...)))
	}
	if !slices.Contains([]string{RoleBank, RoleDesk, RoleProvider}, c.Role) {
		fault("role", "use bank, desk or provider", "is %q", c.Role)
	} else if c.Role != role {
		fault("role", "start it with the command of its role", "is %q, the command is for a %s", c.Role, role)
	}
	due := map[string]string{"id": c.ID, "trust": c.Trust, "keys": c.Keys, "unlock": c.Unlock, "broker": c.Broker}
	if role != RoleProvider {
		due["database"] = c.Database
	}
	if role != RoleBank {
		due["exercise"] = c.Exercise
	}
	if role == RoleDesk {
		due["proving_keys"] = c.ProvingKeys
	}
	fields := make([]string, 0, len(due))
	for field := range due {
		fields = append(fields, field)
	}
	slices.Sort(fields)
	for _, field := range fields {
		if due[field] == "" {
			fault(field, "add it", "is missing")
		}
	}
	for field, address := range map[string]string{"broker": c.Broker, "database": c.Database} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Scheme == "") {
			fault(field, "write it as scheme://host:port", "is no address")
		}
	}
	if role == RoleBank && len(c.VerificationKeys) == 0 {
		fault("verification_keys", "name each circuit's file", "is missing")
	}
	if role == RoleDesk && c.ChunkSize != 16 && c.ChunkSize != 64 && c.ChunkSize != 256 {
		fault("chunk_size", "use 16, 64 or 256", "is %d", c.ChunkSize)
	}
	if role == RoleProvider {
		c.checkQuotes(fault)
	}
	if !slices.Contains([]string{"", "debug", "info", "warn", "error"}, c.LogLevel) {
		fault("log_level", "use debug, info, warn or error", "is %q", c.LogLevel)
	}
	return errors.Join(wrong...)
}

func (c *Config) checkQuotes(fault func(field, do, format string, args ...any)) {
	q := c.Quotes
	if q == nil {
		fault("quotes", "add it", "is missing")
		return
	}
	if q.SpreadBPS < 0 || q.SpreadBPS > 10_000 {
		fault("quotes.spread_bps", "use 0 to 10000", "is %d", q.SpreadBPS)
	}
	if q.FirmForMS < 1_000 || q.FirmForMS > 600_000 {
		fault("quotes.firm_for_ms", "use 1000 to 600000", "is %d", q.FirmForMS)
	}
	if q.On.IsZero() {
		fault("quotes.on", "name a day with rates", "is missing")
	}
	if len(q.Accounts) < 2 {
		fault("quotes.accounts", "name an account at each of two banks or more", "has %d", len(q.Accounts))
	}
}

// file gives a path relative to the configuration file's folder.
func (c *Config) file(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.path), path)
}
