package node

import (
	"io"
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
	ProvingKeys      string            `json:"proving_keys,omitempty"`      // banks and desks: directory of proving keys
	ProverWorkers    int               `json:"prover_workers,omitempty"`    // banks and desks: proofs made at a time, one core each; one less than there are cores when 0
	SupplyEveryS     int64             `json:"supply_every_s,omitempty"`    // banks: seconds between proofs of the supply while the log grows; only on request when 0
	Log              *LogConfig        `json:"log,omitempty"`               // banks: the log over HTTP and its witnesses
	CheckEveryS      int64             `json:"check_every_s,omitempty"`     // banks: seconds in which the whole journal is checked, again and again; an hour when 0
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

// ReadConfig reads a configuration file for a role, or for the role it names itself when role is empty, and names everything wrong with it at once, each with
// its line or field. Only a file that is no JSON at all is refused for its first fault alone. Refusal: config_invalid.
func ReadConfig(path, role string) (*Config, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, refusal.Newf(CodeConfigInvalid, "check the path; `entente demo --processes --out DIR` writes examples to DIR/config", "the configuration file cannot be read: %v", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, limitConfig+1))
	if err != nil {
		return nil, refusal.Newf(CodeConfigInvalid, "check the path", "the configuration file cannot be read: %v", err)
	}
	if len(content) > limitConfig {
		return nil, refusal.Newf(CodeConfigInvalid, "use a configuration file", "%s has more than %d bytes", path, limitConfig)
	}
	c := &Config{path: path}
	f := &configFaults{path: path, content: content, lines: map[string]int{}, unreadable: map[string]bool{}}
	if err := f.decode(c); err != nil {
		return nil, err
	}
	c.check(role, f)
	if err := f.err(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Config) check(role string, f *configFaults) {
	if roles := []string{RoleBank, RoleDesk, RoleProvider}; !slices.Contains(roles, c.Role) {
		f.add("role", "use bank, desk or provider", "is %q", c.Role)
	} else if role != "" && c.Role != role {
		f.add("role", "start it with the command of its role", "is %q, the command is for a %s", c.Role, role)
	}
	f.due("id", c.ID)
	f.due("trust", c.Trust)
	f.due("keys", c.Keys)
	f.due("unlock", c.Unlock)
	f.due("broker", c.Broker)
	f.address("broker", c.Broker, "nats", "tls", "ws", "wss")
	if c.Role == RoleBank || c.Role == RoleDesk {
		f.due("database", c.Database)
	}
	f.address("database", c.Database, "postgres", "postgresql")
	if c.Role == RoleDesk || c.Role == RoleProvider {
		f.due("exercise", c.Exercise)
	}
	switch c.Role {
	case RoleBank:
		if len(c.VerificationKeys) == 0 {
			f.add("verification_keys", "name each circuit's file", "is missing")
		}
		if c.Log != nil {
			c.Log.check(f, c.Development)
		}
		f.due("proving_keys", c.ProvingKeys)
		if c.SupplyEveryS < 0 {
			f.add("supply_every_s", "use 0 or more seconds", "is %d", c.SupplyEveryS)
		}
		if c.CheckEveryS < 0 {
			f.add("check_every_s", "use 0 or more seconds", "is %d", c.CheckEveryS)
		}
	case RoleDesk:
		f.due("proving_keys", c.ProvingKeys)
		if c.ChunkSize != 16 && c.ChunkSize != 64 && c.ChunkSize != 256 {
			f.add("chunk_size", "use 16, 64 or 256", "is %d", c.ChunkSize)
		}
	case RoleProvider:
		c.checkQuotes(f)
	}
	if c.ProverWorkers < 0 {
		f.add("prover_workers", "use 0 or more", "is %d", c.ProverWorkers)
	}
	if !slices.Contains([]string{"", "debug", "info", "warn", "error"}, c.LogLevel) {
		f.add("log_level", "use debug, info, warn or error", "is %q", c.LogLevel)
	}
}

func (c *Config) checkQuotes(f *configFaults) {
	q := c.Quotes
	if q == nil {
		f.add("quotes", "add it", "is missing")
		return
	}
	if q.SpreadBPS < 0 || q.SpreadBPS > 10_000 {
		f.add("quotes.spread_bps", "use 0 to 10000", "is %d", q.SpreadBPS)
	}
	if q.FirmForMS < 1_000 || q.FirmForMS > 600_000 {
		f.add("quotes.firm_for_ms", "use 1000 to 600000", "is %d", q.FirmForMS)
	}
	if q.On.IsZero() {
		f.add("quotes.on", "name a day with rates", "is missing")
	}
	if len(q.Accounts) < 2 {
		f.add("quotes.accounts", "name an account at each of two banks or more", "has %d", len(q.Accounts))
	}
}

// file gives a path relative to the configuration file's folder.
func (c *Config) file(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(c.path), path)
}
