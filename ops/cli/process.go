package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"entente/ops/node"
)

// newProcess makes the command of one role's process.
func newProcess(role, short, long string) *cobra.Command {
	var config string
	cmd := &cobra.Command{
		Use: role + " --config FILE", Short: short, Args: noArgs,
		Long: long + `

The configuration file is one JSON object; ` + "`entente demo --processes --out DIR`" + ` writes
examples to DIR/config. Everything wrong with it is named at once. The process runs in
the foreground, logs to standard error, and ends in order on SIGINT or SIGTERM.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config == "" {
				return usage(fmt.Errorf("--config FILE is missing"))
			}
			cfg, err := node.ReadConfig(config, role)
			if err != nil {
				return err
			}
			ctx, cancel := withParent(cmd.Context())
			defer cancel()
			return node.Run(ctx, cfg, processLog(cmd.ErrOrStderr(), cfg))
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration file")
	return cmd
}

func newBank() *cobra.Command {
	cmd := addOperating(newProcess(node.RoleBank, "Run a central bank's ledger, or operate it",
		"Runs one central bank: its ledger, its log, and its side of every swap. The commands below\nare for its operators, and work beside it."))
	cmd.AddCommand(newBankWitness(), newBankFsck())
	return cmd
}

func newDesk() *cobra.Command {
	cmd := newProcess(node.RoleDesk, "Run a treasury desk, or prepare its files",
		"Runs one nation's treasury desk: counts, bills, proofs and payments. The commands below\nwork on files alone, with no desk running.")
	cmd.AddCommand(newDeskRecords())
	return cmd
}

func newProvider() *cobra.Command {
	return newProcess(node.RoleProvider, "Run a liquidity provider",
		"Runs a liquidity provider that gives firm quotes over reference rates.")
}

func processLog(w io.Writer, cfg *node.Config) *slog.Logger {
	level := slog.LevelInfo
	if cfg.LogLevel != "" {
		if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
			level = slog.LevelInfo // the configuration was checked: it names a level
		}
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})).With(cfg.Role, cfg.ID)
}

// parentVariable tells a child started by the demo that file descriptor 3 is a pipe whose other end its parent holds. When the parent is gone, however it
// went, the pipe ends, and so does the child.
const parentVariable = "ENTENTE_PARENT_PIPE"

func withParent(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if os.Getenv(parentVariable) == "" {
		return ctx, cancel
	}
	pipe := os.NewFile(3, "parent")
	go func() {
		_, _ = pipe.Read(make([]byte, 1)) // nothing is ever written: it returns when the parent is gone
		cancel()
	}()
	return ctx, cancel
}

func newMigrate() *cobra.Command {
	var config, owner string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "migrate --config FILE [--owner ADDRESS]", Short: "Bring a bank's or desk's database to this program's schema", Args: noArgs,
		Long: `Brings the database of a bank or desk to the schema this program needs. Migrations only
go forward; running it again changes nothing.

A bank's journal must stand against the bank itself, so its database has two roles. One
owns the database and its tables, and is used here alone; the other is what the bank runs
as. It owns nothing: it may read, add rows, and change those tables that are no journal.
A bank refuses to run as a superuser, as the owner, or as anybody who could change the
journal (unsafe_db_config). Make both roles once, as an administrator of the server:

  CREATE ROLE boj_owner LOGIN;
  CREATE ROLE boj LOGIN;
  CREATE DATABASE boj OWNER boj_owner;

Then name boj in the configuration's database address, and the owner here:

  entente migrate --config bank.json --owner postgres://boj_owner@host/boj

Each run grants the bank's role what it needs and takes everything else from it. A desk's
database has one role, its owner, and needs no --owner.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if config == "" {
				return usage(fmt.Errorf("--config FILE is missing"))
			}
			cfg, err := node.ReadConfig(config, "")
			if err != nil {
				return err
			}
			if err := node.Migrate(cmd.Context(), cfg, owner); err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"role": cfg.Role, "id": cfg.ID, "migrated": true})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "the database of %s %s is at this program's schema\n", cfg.Role, cfg.ID)
			return err
		},
	}
	cmd.Flags().StringVar(&config, "config", "", "configuration file of the bank or desk")
	cmd.Flags().StringVar(&owner, "owner", "", "address of the database as the role that owns its tables (default: the configuration's)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
