//go:build unix

package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"entente/ops/pgserver"
)

// pgbench is the server's own benchmark.
type pgbench struct {
	path string
	url  string
	args []string
}

// newPgbench fills its tables, and gives nil when the program is missing.
func newPgbench(ctx context.Context, server *pgserver.Server, plan ledgerPlan) (*pgbench, error) {
	path := server.Program("pgbench")
	if path == "" {
		return nil, nil
	}
	if err := server.CreateDatabase(ctx, "pgbench"); err != nil {
		return nil, err
	}
	seconds := int(math.Ceil(plan.each.Seconds()))
	p := &pgbench{path: path, url: server.OwnerURL("pgbench"), args: []string{"--client=" + strconv.Itoa(plan.rivals), "--jobs=2", "--time=" + strconv.Itoa(seconds)}}
	_, err := p.run(ctx, "--initialize", "--quiet", "--scale="+strconv.Itoa(plan.scale))
	return p, err
}

func (p *pgbench) run(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, p.path, append(args, p.url)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("bench: %s: %w: %s", p.path, err, out)
	}
	return string(out), nil
}

var tpsLine = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)

// sample runs the TPC-B-like script. It prints no percentiles: those are left out.
func (p *pgbench) sample(ctx context.Context) (sample, error) {
	out, err := p.run(ctx, p.args...)
	if err != nil {
		return sample{}, err
	}
	found := tpsLine.FindStringSubmatch(out)
	if found == nil {
		return sample{}, fmt.Errorf("bench: pgbench states no rate: %s", out)
	}
	perS, err := strconv.ParseFloat(found[1], 64)
	return sample{perS: perS}, err
}

// naive is the ledger that everybody writes first: a transaction for each transfer, that locks both accounts' rows, the lower id first, and adds a row to a
// journal.
type naive struct {
	pool     *pgxpool.Pool
	accounts int
	each     time.Duration
	clients  int
}

const naiveSchema = `CREATE TABLE account (id bigint PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0));
CREATE TABLE journal (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, debit bigint NOT NULL, credit bigint NOT NULL, minor bigint NOT NULL CHECK (minor > 0), at timestamptz NOT NULL DEFAULT now())`

func newNaive(ctx context.Context, server *pgserver.Server, plan ledgerPlan) (*naive, error) {
	if err := server.CreateDatabase(ctx, "naive"); err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(server.OwnerURL("naive"))
	if err != nil {
		return nil, err
	}
	config.MaxConns, config.MinConns = int32(plan.rivals), int32(plan.rivals)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	n := &naive{pool: pool, accounts: plan.accounts, each: plan.each, clients: plan.rivals}
	if _, err = pool.Exec(ctx, naiveSchema); err == nil {
		_, err = pool.Exec(ctx, "INSERT INTO account SELECT id, $2::bigint FROM generate_series(0, $1::bigint - 1) AS id", plan.accounts, int64(balanceMinor))
	}
	if err != nil {
		n.close()
		return nil, fmt.Errorf("bench: fill the naive ledger: %w", err)
	}
	return n, nil
}

func (n *naive) close() { n.pool.Close() }

func (n *naive) sample(ctx context.Context) (sample, error) {
	return drive(ctx, n.clients, n.each, func(_, _ int, random *rand.Rand) error {
		debit, credit := twoOf(random, n.accounts)
		return n.transfer(ctx, int64(debit), int64(credit), 1)
	})
}

func (n *naive) transfer(ctx context.Context, debit, credit, minor int64) error {
	tx, err := n.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx) //nolint:errcheck // after a commit it does nothing, and else the error that led here is the one that counts
	move := func(id, by int64) {
		if err == nil {
			_, err = tx.Exec(ctx, "UPDATE account SET balance = balance + $2 WHERE id = $1", id, by)
		}
	}
	if debit < credit {
		move(debit, -minor)
		move(credit, minor)
	} else {
		move(credit, minor)
		move(debit, -minor)
	}
	if err == nil {
		_, err = tx.Exec(ctx, "INSERT INTO journal (debit, credit, minor) VALUES ($1, $2, $3)", debit, credit, minor)
	}
	if err != nil {
		return err
	}
	return tx.Commit(ctx)
}
