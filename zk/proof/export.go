package proof

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// Export is a proof with its key and public inputs in the JSON of snarkjs, so that an implementation none of us wrote can check it:
//
//	snarkjs groth16 verify verification_key.json public.json proof.json
//
// Numbers are decimal strings, points have the projective coordinate 1, elements of the quadratic field come real part first. NB: whoever checks compares the
// public inputs with the statement, and the key with the one of the trust file; snarkjs knows neither.
type Export struct {
	Key    json.RawMessage // verification_key.json
	Public json.RawMessage // public.json
	Proof  json.RawMessage // proof.json
}

type (
	exportG1 [3]string
	exportG2 [3][2]string
)

type exportKey struct {
	Protocol string     `json:"protocol"`
	Curve    string     `json:"curve"`
	Inputs   int        `json:"nPublic"`
	Alpha    exportG1   `json:"vk_alpha_1"`
	Beta     exportG2   `json:"vk_beta_2"`
	Gamma    exportG2   `json:"vk_gamma_2"`
	Delta    exportG2   `json:"vk_delta_2"`
	K        []exportG1 `json:"IC"`
}

type exportProof struct {
	Protocol string   `json:"protocol"`
	Curve    string   `json:"curve"`
	A        exportG1 `json:"pi_a"`
	B        exportG2 `json:"pi_b"`
	C        exportG1 `json:"pi_c"`
}

const (
	exportProtocol = "groth16"
	exportCurve    = "bn128" // snarkjs' name of BN254
)

// ExportSnarkJS writes a statement of the named circuit, its proof and the key's bytes. Nothing is verified, but everything must be well formed: it has the
// refusals of NewVerifier and Verify except proof_invalid.
func ExportSnarkJS[S Statement](name string, vkBytes []byte, statement S, proofBytes []byte) (Export, error) {
	if _, err := NewVerifier(name, vkBytes, sha256.Sum256(vkBytes)); err != nil {
		return Export{}, err
	}
	inputs, err := inputsOf(name, statement)
	if err != nil {
		return Export{}, err
	}
	proof, err := decodeProof(proofBytes)
	if err != nil {
		return Export{}, err
	}
	key, _ := readKey(vkBytes, kinds[name].inputs) // sound, or there were no verifier
	exported := exportKey{
		Protocol: exportProtocol, Curve: exportCurve, Inputs: len(inputs),
		Alpha: exportedG1(&key.alpha), Beta: exportedG2(&key.beta), Gamma: exportedG2(&key.gamma), Delta: exportedG2(&key.delta),
	}
	for i := range key.k {
		exported.K = append(exported.K, exportedG1(&key.k[i]))
	}
	var out Export
	for _, part := range []struct {
		place *json.RawMessage
		value any
	}{
		{&out.Key, exported},
		{&out.Public, decimals(inputs)},
		{&out.Proof, exportProof{exportProtocol, exportCurve, exportedG1(&proof.a), exportedG2(&proof.b), exportedG1(&proof.c)}},
	} {
		if *part.place, err = json.MarshalIndent(part.value, "", " "); err != nil {
			return Export{}, fmt.Errorf("proof: writing for snarkjs: %w", err)
		}
	}
	return out, nil
}

func decimals(values []fr.Element) []string {
	texts := make([]string, len(values))
	for i := range values {
		texts[i] = values[i].BigInt(new(big.Int)).String() // String would write the field's upper end with a minus
	}
	return texts
}

func exportedG1(p *bn254.G1Affine) exportG1 {
	return exportG1{decimal(&p.X), decimal(&p.Y), "1"}
}

func exportedG2(p *bn254.G2Affine) exportG2 {
	return exportG2{{decimal(&p.X.A0), decimal(&p.X.A1)}, {decimal(&p.Y.A0), decimal(&p.Y.A1)}, {"1", "0"}}
}

func decimal(e *fp.Element) string { return e.BigInt(new(big.Int)).String() }
