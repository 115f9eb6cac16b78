//go:build unix

package proof

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254"
	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"entente/schema/refusal"
)

func TestAVerifierNeedsTheKeyBytesAndTheIDAlone(t *testing.T) {
	info, err := keys.Info(Bill16)
	if err != nil {
		t.Fatal(err)
	}
	if !info.Development || info.Name != Bill16 || info.Constraints == 0 || info.VKID != sha256.Sum256(info.VKBytes) {
		t.Errorf("%+v", info)
	}
	v, err := NewVerifier(info.Name, info.VKBytes, info.VKID)
	if err != nil {
		t.Fatal(err)
	}
	public, proof := proveBill(t, someBill(1))
	if err := v.VerifyBill(public, proof[:]); err != nil || v.ID() != info.VKID || v.Name() != Bill16 {
		t.Error(err)
	}
}

func TestHostileKeysAreRefused(t *testing.T) {
	info, err := keys.Info(Bill16)
	if err != nil {
		t.Fatal(err)
	}
	const count = 3*g1Size + 3*g2Size
	replace := func(offset int, b []byte) []byte {
		c := bytes.Clone(info.VKBytes)
		copy(c[offset:], b)
		return c
	}
	uint32s := func(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
	outside := outsideSubgroup(t).RawBytes()
	const gamma, delta = 2*g1Size + g2Size, 3*g1Size + 2*g2Size
	for what, b := range map[string][]byte{
		"nothing": nil, "zeros": make([]byte, len(info.VKBytes)), "ones": bytes.Repeat([]byte{0xff}, len(info.VKBytes)),
		"one byte short": info.VKBytes[:len(info.VKBytes)-1], "one byte long": append(bytes.Clone(info.VKBytes), 0), "a megabyte": make([]byte, 1<<20),
		"alpha at infinity": replace(0, make([]byte, g1Size)), "beta outside its subgroup": replace(2*g1Size, outside[:]),
		"gamma outside its subgroup": replace(gamma, outside[:]), "delta at infinity": replace(delta, make([]byte, g2Size)),
		"gamma equal to delta":   replace(delta, info.VKBytes[gamma:gamma+g2Size]),
		"a huge count of inputs": replace(count, uint32s(1<<31)), "one input fewer": replace(count, uint32s(6)),
		"an unbound first input": replace(count+4+g1Size, make([]byte, g1Size)), "an unbound last input": replace(count+4+6*g1Size, make([]byte, g1Size)),
		"a commitment's inputs": replace(len(info.VKBytes)-8, uint32s(1)), "a commitment key": replace(len(info.VKBytes)-4, uint32s(1)),
	} {
		if _, err := NewVerifier(Bill16, b, sha256.Sum256(b)); refusal.CodeOf(err) != CodeKeyDamaged {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := NewVerifier(Bill16, info.VKBytes, [32]byte{1}); refusal.CodeOf(err) != CodeKeyDamaged {
		t.Errorf("another id: %v", err)
	}
	if _, err := NewVerifier(Totals, info.VKBytes, info.VKID); refusal.CodeOf(err) != CodeKeyDamaged {
		t.Errorf("another circuit's key: %v", err)
	}
	if _, err := NewVerifier("bill-17", info.VKBytes, info.VKID); refusal.CodeOf(err) != CodeKeyUnknown {
		t.Errorf("an unknown circuit: %v", err)
	}
}

// tiny has as many public inputs as a bill, and uses the first few of them.
type tiny struct {
	In   [6]frontend.Variable `gnark:",public"`
	Out  frontend.Variable
	used int
}

func (c *tiny) Define(api frontend.API) error {
	product := c.In[0]
	for _, in := range c.In[1:c.used] {
		product = api.Mul(product, in)
	}
	api.AssertIsEqual(product, c.Out)
	return nil
}

func compileTiny(t *testing.T, used int) *cs.R1CS {
	t.Helper()
	system, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, &tiny{used: used}, frontend.IgnoreUnconstrainedInputs())
	if err != nil {
		t.Fatal(err)
	}
	return system.(*cs.R1CS)
}

// TestAKeyWithAnUnboundInputIsRefused shows the pitfall and that loading catches it: gnark compiles and sets up a circuit that ignores a public input.
func TestAKeyWithAnUnboundInputIsRefused(t *testing.T) {
	var pk groth16.ProvingKey
	var vk groth16.VerifyingKey
	if err := groth16.Setup(compileTiny(t, 5), &pk, &vk); err != nil {
		t.Fatal(err)
	}
	infinite := slices.IndexFunc(vk.G1.K, func(p bn254.G1Affine) bool { return p.IsInfinity() })
	var b bytes.Buffer
	if _, err := vk.WriteRawTo(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := NewVerifier(Bill16, b.Bytes(), sha256.Sum256(b.Bytes())); infinite != 6 || refusal.CodeOf(err) != CodeKeyDamaged {
		t.Errorf("K point %d is infinite, %v", infinite, err)
	}
}

// openTiny goes through the cache with the tiny circuit in a bill's place, so that keys are made in no time.
func (c cacheEntry) openTiny(t *testing.T) (Info, []string) {
	t.Helper()
	var stages []string
	p, err := c.open(context.Background(), compileTiny(t, 6), func(stage string) { stages = append(stages, stage) })
	if err != nil {
		t.Fatal(err)
	}
	return p.info, stages
}

func TestKeysAreMadeOnceAndDamageIsNoticed(t *testing.T) {
	entry := filepath.Join(t.TempDir(), "keys", "id")
	cache := cacheEntry{name: Bill16, circuitID: [32]byte{1}, dir: entry}
	first, stages := cache.openTiny(t)
	if !slices.Equal(stages, []string{StageLoading, StageGenerating}) {
		t.Errorf("the first run: %q", stages)
	}
	again, stages := cache.openTiny(t)
	if !slices.Equal(stages, []string{StageLoading}) || again.VKID != first.VKID || again.CircuitID != cache.circuitID {
		t.Errorf("the second run: %q", stages)
	}
	files, err := os.ReadDir(entry)
	if err != nil || len(files) != 4 {
		t.Errorf("files left: %v, %v", files, err)
	}
	for _, other := range []cacheEntry{{Totals, cache.circuitID, entry}, {Bill16, [32]byte{2}, entry}} {
		if _, _, err := other.load(); !errors.Is(err, errDamaged) {
			t.Errorf("another circuit's keys are loaded: %v", err)
		}
	}
	for what, damage := range map[string]func() error{
		"a changed proving key":      func() error { return flip(filepath.Join(entry, provingFile)) },
		"a changed verification key": func() error { return flip(filepath.Join(entry, verifyingFile)) },
		"a cut proving key":          func() error { return os.Truncate(filepath.Join(entry, provingFile), 1000) },
		"a missing verification key": func() error { return os.Remove(filepath.Join(entry, verifyingFile)) },
		"an empty manifest":          func() error { return os.WriteFile(filepath.Join(entry, manifestFile), []byte("{}"), 0o600) },
		"a manifest that is no JSON": func() error { return flip(filepath.Join(entry, manifestFile)) },
	} {
		backup := t.TempDir()
		if err := os.CopyFS(backup, os.DirFS(entry)); err != nil {
			t.Fatal(err)
		}
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := cache.load(); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %v", what, err)
		}
		if err := errors.Join(os.RemoveAll(entry), os.CopyFS(entry, os.DirFS(backup))); err != nil {
			t.Fatal(err)
		}
		if _, _, err := cache.load(); err != nil {
			t.Errorf("%s mended: %v", what, err)
		}
	}
	if err := errors.Join(flip(filepath.Join(entry, provingFile)), os.WriteFile(filepath.Join(entry, provingFile+".123"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	anew, stages := cache.openTiny(t)
	if !slices.Equal(stages, []string{StageLoading, StageDamaged, StageGenerating}) || anew.VKID == first.VKID {
		t.Errorf("after damage: %q", stages)
	}
	if files, err := os.ReadDir(entry); err != nil || len(files) != 4 {
		t.Errorf("files left after damage: %v, %v", files, err)
	}
}

func flip(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	b[len(b)/2] ^= 0x80
	return os.WriteFile(file, b, 0o600)
}

func TestProcessesStartingTogetherShareOneKey(t *testing.T) {
	cache := cacheEntry{name: Bill16, circuitID: [32]byte{1}, dir: filepath.Join(t.TempDir(), "id")}
	infos, generated := make([]Info, 4), make([]bool, 4)
	var group sync.WaitGroup
	for i := range infos {
		system := compileTiny(t, 6)
		group.Go(func() {
			p, err := cache.open(context.Background(), system, func(stage string) { generated[i] = generated[i] || stage == StageGenerating })
			if err != nil {
				t.Error(err)
				return
			}
			infos[i] = p.info
		})
	}
	group.Wait()
	makers := 0
	for i := range infos {
		if generated[i] {
			makers++
		}
		if infos[i].VKID != infos[0].VKID {
			t.Error("two processes have different keys")
		}
	}
	if makers != 1 {
		t.Errorf("%d processes made keys", makers)
	}
}

func TestASecondRunOpensTheKeysOfTheFirst(t *testing.T) {
	var seen []string
	again, err := OpenDevelopment(context.Background(), keysDir, []string{Totals}, func(name, stage string) { seen = append(seen, name+" "+stage) })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(seen, []string{"totals " + StageCompiling, "totals " + StageLoading, "totals " + StageReady}) {
		t.Errorf("progress: %q", seen)
	}
	proof, err := again.ProveTotals(context.Background(), someTotals())
	if err != nil {
		t.Fatal(err)
	}
	public, _ := someTotals().Public()
	if err := verifier(t, Totals).VerifyTotals(public, proof[:]); err != nil {
		t.Errorf("the first run does not accept the second's proof: %v", err)
	}
}

func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	dir := t.TempDir()
	_, id, err := compile(Totals)
	if err != nil {
		t.Fatal(err)
	}
	entry := filepath.Join(dir, hex.EncodeToString(id[:]))
	if err := os.MkdirAll(entry, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(entry, lockFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	waited := false
	_, err = OpenDevelopment(ctx, dir, []string{Totals}, func(_, stage string) { waited = waited || stage == StageWaiting })
	if !errors.Is(err, context.DeadlineExceeded) || !waited {
		t.Errorf("waited %v, %v", waited, err)
	}
}

func TestUnknownCircuitsAndUnusableFoldersAreNamed(t *testing.T) {
	if _, err := OpenDevelopment(context.Background(), t.TempDir(), []string{"bill-17"}, nil); refusal.CodeOf(err) != CodeKeyUnknown {
		t.Errorf("bill-17: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDevelopment(context.Background(), file, []string{Totals}, nil); err == nil {
		t.Error("keys are kept inside a file")
	}
	t.Setenv("ENTENTE_KEYS_DIR", "/somewhere")
	if dir, err := DefaultDir(); err != nil || dir != "/somewhere" {
		t.Errorf("%q, %v", dir, err)
	}
	t.Setenv("ENTENTE_KEYS_DIR", "")
	t.Setenv("XDG_CACHE_HOME", "/cache")
	t.Setenv("HOME", "/home")
	if dir, err := DefaultDir(); err != nil || filepath.Base(dir) != "keys" {
		t.Errorf("%q, %v", dir, err)
	}
}
