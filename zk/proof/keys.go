//go:build unix

package proof

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/logger"

	"entente/schema/refusal"
	"entente/zk/circuit"
	"entente/zk/commit"
)

// gnark logs every compilation and proof to the standard output, which belongs to the program.
func init() { logger.Disable() }

// Keys holds compiled circuits with their proving and verification keys. It is immutable once opened and safe for concurrent use; a proof uses all cores.
type Keys struct {
	circuits map[string]*provable
}

// provable is one circuit ready to prove.
type provable struct {
	info     Info
	system   *cs.R1CS
	proving  *groth16.ProvingKey
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

// ProveBill proves one chunk under the circuit of its size. It has the refusals of commit.BillWitness.Public and vk_unknown; a witness that is well formed is
// always provable. The proof was verified before it is returned. A proof under way is not interrupted: ctx is asked before and after.
func (k *Keys) ProveBill(ctx context.Context, w BillWitness) (Proof, error) {
	p, err := k.provable(BillName(w.Size))
	if err != nil {
		return Proof{}, err
	}
	assignment, public, err := circuit.AssignBill(w)
	if err != nil {
		return Proof{}, err
	}
	proof, err := p.prove(ctx, assignment)
	if err != nil {
		return Proof{}, err
	}
	if err := p.verifier.VerifyBill(public, proof[:]); err != nil {
		return Proof{}, fmt.Errorf("proof: a fresh proof of %s does not verify: %w", p.info.Name, err)
	}
	return proof, nil
}

// ProveTotals proves what a slice's commitment holds, as ProveBill does, with the refusals of commit.TotalsWitness.Public and vk_unknown.
func (k *Keys) ProveTotals(ctx context.Context, w TotalsWitness) (Proof, error) {
	p, err := k.provable(Totals)
	if err != nil {
		return Proof{}, err
	}
	assignment, public, err := circuit.AssignTotals(w)
	if err != nil {
		return Proof{}, err
	}
	proof, err := p.prove(ctx, assignment)
	if err != nil {
		return Proof{}, err
	}
	if err := p.verifier.VerifyTotals(public, proof[:]); err != nil {
		return Proof{}, fmt.Errorf("proof: a fresh proof of totals does not verify: %w", err)
	}
	return proof, nil
}

func (p *provable) prove(ctx context.Context, assignment frontend.Circuit) (Proof, error) {
	if err := ctx.Err(); err != nil {
		return Proof{}, fmt.Errorf("proof: %s: %w", p.info.Name, err)
	}
	witness, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
	if err != nil {
		return Proof{}, fmt.Errorf("proof: witness of %s: %w", p.info.Name, err)
	}
	made, err := groth16.Prove(p.system, p.proving, witness)
	if err != nil {
		return Proof{}, fmt.Errorf("proof: proving %s: %w", p.info.Name, err)
	}
	if err := ctx.Err(); err != nil {
		return Proof{}, fmt.Errorf("proof: %s: %w", p.info.Name, err)
	}
	return (&points{a: made.Ar, b: made.Bs, c: made.Krs}).encode(), nil
}

// compile gives the named circuit's constraint system and its id.
func compile(name string) (*cs.R1CS, [32]byte, error) {
	var definition frontend.Circuit
	switch name {
	case Bill16:
		definition = circuit.NewBill(commit.SmallChunk)
	case Bill64:
		definition = circuit.NewBill(commit.MediumChunk)
	case Bill256:
		definition = circuit.NewBill(commit.LargeChunk)
	case Totals:
		definition = &circuit.Totals{}
	default:
		return nil, [32]byte{}, refusal.Newf(CodeKeyUnknown, "name one of the circuits", "there is no circuit %q", name)
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
