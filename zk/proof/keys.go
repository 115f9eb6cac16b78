//go:build unix

package proof

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"slices"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/logger"

	"entente/schema/refusal"
	"entente/zk/circuit"
)

// gnark logs every compilation and proof to the standard output, which belongs to the program.
func init() { logger.Disable() }

// Keys holds compiled circuits with their proving and verification keys. It is immutable once opened and safe for concurrent use. A proof uses all cores (see OnCores).
type Keys struct {
	circuits map[string]*provable
	cores    int // that a proof keeps busy; 0 for all
	urgent   func() bool
}

// provable is one circuit ready to prove.
type provable struct {
	info     Info
	system   *cs.R1CS
	proving  *groth16.ProvingKey
	joined   []bn254.G1Affine // see prover
	verifier *Verifier
}

// Info describes a circuit and its key.
type Info struct {
	Name        string
	CircuitID   [32]byte
	VKID        [32]byte
	VKBytes     []byte
	Development bool // made by one party: INSECURE
	Constraints int
}

// Info gives what the trust file and certificates say about the named circuit; refused (vk_unknown) when it was not opened.
func (k *Keys) Info(name string) (Info, error) {
	p, err := k.provable(name)
	if err != nil {
		return Info{}, err
	}
	return p.info, nil
}

// Verifier gives the verifier of the named circuit; refused (vk_unknown) when it was not opened.
func (k *Keys) Verifier(name string) (*Verifier, error) {
	p, err := k.provable(name)
	if err != nil {
		return nil, err
	}
	return p.verifier, nil
}

func (k *Keys) provable(name string) (*provable, error) {
	p, ok := k.circuits[name]
	if !ok {
		return nil, refusal.Newf(CodeKeyUnknown, "open the keys with this circuit's name", "no keys are open for the circuit %q", name)
	}
	return p, nil
}

// OnCores gives the same keys for proofs that keep about n cores busy, at least one. Keys as opened use all of them.
func (k *Keys) OnCores(n int) *Keys { return &Keys{circuits: k.circuits, cores: max(1, n)} }

// ProveBill proves one chunk under the circuit of its size. It has the refusals of commit.BillWitness.Public and vk_unknown; a witness that is well formed is
// always provable. The proof was verified before it is returned. When ctx ends, the proof under way ends within half of the time it takes.
func (k *Keys) ProveBill(ctx context.Context, w BillWitness) (Proof, error) {
	return prove(ctx, k, BillName(w.Size), w, circuit.AssignBill)
}

// ProveTotals proves what a slice's commitment holds, as ProveBill does, with the refusals of commit.TotalsWitness.Public and vk_unknown.
func (k *Keys) ProveTotals(ctx context.Context, w TotalsWitness) (Proof, error) {
	return prove(ctx, k, Totals, w, circuit.AssignTotals)
}

// ProveBudget proves that a slice keeps within limits, as ProveBill does, with the refusals of commit.BudgetWitness.Public and vk_unknown.
func (k *Keys) ProveBudget(ctx context.Context, w BudgetWitness) (Proof, error) {
	return prove(ctx, k, Budget, w, circuit.AssignBudget)
}

// ProveShare proves that a total was divided as agreed, as ProveBill does, with the refusals of commit.ShareWitness.Public and vk_unknown.
func (k *Keys) ProveShare(ctx context.Context, w ShareWitness) (Proof, error) {
	return prove(ctx, k, Share, w, circuit.AssignShare)
}

// ProveRate proves that one amount is another converted, as ProveBill does, with the refusals of commit.RateWitness.Public and vk_unknown.
func (k *Keys) ProveRate(ctx context.Context, w RateWitness) (Proof, error) {
	return prove(ctx, k, Rate, w, circuit.AssignRate)
}

// ProveReserve proves the balances of one block of accounts, as ProveBill does, with the refusals of commit.ReserveWitness.Public and vk_unknown.
func (k *Keys) ProveReserve(ctx context.Context, w ReserveWitness) (Proof, error) {
	return prove(ctx, k, ReserveName(w.Size), w, circuit.AssignReserve)
}

// ProvePolicy proves that the items of one chunk keep to a policy, as ProveBill does, with the refusals of commit.PolicyWitness.Public and vk_unknown.
func (k *Keys) ProvePolicy(ctx context.Context, w PolicyWitness) (Proof, error) {
	return prove(ctx, k, PolicyName(w.Size), w, circuit.AssignPolicy)
}

func prove[W any, C frontend.Circuit, S Statement](ctx context.Context, k *Keys, name string, w W, assign func(W) (C, S, error)) (Proof, error) {
	p, err := k.provable(name)
	if err != nil {
		return Proof{}, err
	}
	assignment, statement, err := assign(w)
	if err != nil {
		return Proof{}, err
	}
	made, err := p.prover(k).prove(ctx, assignment)
	if err != nil {
		return Proof{}, fmt.Errorf("proof: proving %s: %w", name, err)
	}
	proof := made.encode()
	if err := Verify(p.verifier, statement, proof[:]); err != nil {
		return Proof{}, fmt.Errorf("proof: a fresh proof of %s does not verify: %w", name, err)
	}
	return proof, nil
}

// join puts the key's K and Z behind each other, as prover wants them, without keeping them twice.
func (p *provable) join() {
	k, z := &p.proving.G1.K, &p.proving.G1.Z
	p.joined = slices.Concat(*k, *z)
	*k, *z = p.joined[:len(*k):len(*k)], p.joined[len(*k):]
}

func (p *provable) prover(k *Keys) prover {
	cores := k.cores
	if cores == 0 {
		cores = runtime.GOMAXPROCS(0)
	}
	return prover{system: p.system, key: p.proving, joined: p.joined, cores: cores, urgent: k.urgent}
}

// compile gives the named circuit's constraint system and its id.
func compile(name string) (*cs.R1CS, [32]byte, error) {
	definition, err := define(name)
	if err != nil {
		return nil, [32]byte{}, err
	}
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, definition)
	if err != nil {
		return nil, [32]byte{}, fmt.Errorf("proof: compiling %s: %w", name, err)
	}
	system := compiled.(*cs.R1CS)
	hash := sha256.New()
	if _, err := system.WriteTo(hash); err != nil {
		return nil, [32]byte{}, fmt.Errorf("proof: hashing %s: %w", name, err)
	}
	return system, [32]byte(hash.Sum(nil)), nil
}

// define gives the named circuit, ready to compile; refused (vk_unknown) when there is no such circuit.
func define(name string) (frontend.Circuit, error) {
	kind, known := kinds[name]
	switch {
	case !known:
		return nil, refusal.Newf(CodeKeyUnknown, "name one of the circuits", "there is no circuit %q", name)
	case kind.statement == ofBill:
		return circuit.NewBill(kind.size), nil
	case kind.statement == ofReserve:
		return circuit.NewReserve(kind.size), nil
	case kind.statement == ofPolicy:
		return circuit.NewPolicy(kind.size), nil
	}
	return map[string]frontend.Circuit{Totals: &circuit.Totals{}, Budget: &circuit.Budget{}, Share: &circuit.Share{}, Rate: &circuit.Rate{}}[name], nil
}

// Constraints gives the number of constraints of the named circuit, which is compiled for it; refused (vk_unknown) when there is no such circuit.
func Constraints(name string) (int, error) {
	system, _, err := compile(name)
	if err != nil {
		return 0, err
	}
	return system.GetNbConstraints(), nil
}
