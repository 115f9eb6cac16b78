//go:build unix

package proof

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	groth16 "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
)

// Stages OpenDevelopment reports.
const (
	StageCompiling  = "compiling"
	StageWaiting    = "waiting for another process"
	StageLoading    = "loading"
	StageDamaged    = "cached keys are damaged, making new ones"
	StageGenerating = "generating INSECURE development keys"
	StageReady      = "ready"
)

// DefaultDir gives where development keys are cached: $ENTENTE_KEYS_DIR, or entente/keys in the user's cache directory.
func DefaultDir() (string, error) {
	if dir := os.Getenv("ENTENTE_KEYS_DIR"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("proof: no place for keys, set ENTENTE_KEYS_DIR: %w", err)
	}
	return filepath.Join(dir, "entente", "keys"), nil
}

// OpenDevelopment compiles the named circuits (all of them when names is empty) and loads their development keys from dir/<circuit id>/, or makes and caches
// them there. They are made by one party and INSECURE. Files are checked against the hashes in their manifest; damaged ones are made anew, which is reported,
// and gives another verification key. Several processes may open one directory: a lock lets one generate while the others wait. progress may be nil; it is
// called from this goroutine with one of the Stage texts.
func OpenDevelopment(ctx context.Context, dir string, names []string, progress func(name, stage string)) (*Keys, error) {
	if len(names) == 0 {
		names = Names()
	}
	if progress == nil {
		progress = func(string, string) {}
	}
	keys := &Keys{circuits: make(map[string]*provable, len(names))}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("proof: opening keys: %w", err)
		}
		progress(name, StageCompiling)
		system, id, err := compile(name)
		if err != nil {
			return nil, err
		}
		cache := cacheEntry{name: name, circuitID: id, dir: filepath.Join(dir, hex.EncodeToString(id[:]))}
		p, err := cache.open(ctx, system, func(stage string) { progress(name, stage) })
		if err != nil {
			return nil, fmt.Errorf("proof: keys of %s in %s: %w", name, cache.dir, err)
		}
		keys.circuits[name] = p
		progress(name, StageReady)
	}
	return keys, nil
}

const (
	manifestFile  = "manifest.json"
	provingFile   = "proving.key"
	verifyingFile = "verifying.key"
	lockFile      = "lock"
)

// manifest is written last: a directory without one holds no keys.
type manifest struct {
	Name      string `json:"name"`
	Warning   string `json:"warning"`
	CircuitID string `json:"circuit_id"`
	Proving   string `json:"proving_key_sha256"`
	Verifying string `json:"verifying_key_sha256"`
}

const warning = "INSECURE: made by one party for development; whoever made it can forge proofs"

var errDamaged = errors.New("a file does not match its manifest")

// cacheEntry is one circuit's directory.
type cacheEntry struct {
	name      string
	circuitID [32]byte
	dir       string
}

func (c cacheEntry) open(ctx context.Context, system *cs.R1CS, progress func(stage string)) (*provable, error) {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, err
	}
	unlock, err := c.lock(ctx, progress)
	if err != nil {
		return nil, err
	}
	defer unlock()

	progress(StageLoading)
	proving, vkBytes, err := c.load()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = c.generate(system, progress)
	case errors.Is(err, errDamaged):
		progress(StageDamaged)
		err = c.generate(system, progress)
	}
	if err != nil {
		return nil, err
	}
	if proving == nil {
		// What was generated is read back, so that the first run uses the very bytes later runs will.
		if proving, vkBytes, err = c.load(); err != nil {
			return nil, err
		}
	}
	id := sha256.Sum256(vkBytes)
	verifier, err := NewVerifier(c.name, vkBytes, id)
	if err != nil {
		return nil, err
	}
	p := &provable{
		info:   Info{Name: c.name, CircuitID: c.circuitID, VKID: id, VKBytes: vkBytes, Development: true, Constraints: system.GetNbConstraints()},
		system: system, proving: proving, verifier: verifier,
	}
	p.join()
	return p, nil
}

// lock takes the directory's lock, which the operating system releases when the process dies.
func (c cacheEntry) lock(ctx context.Context, progress func(stage string)) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(c.dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for waiting := false; ; waiting = true {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil // closing releases the lock; nothing was written
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("locking: %w", err), f.Close())
		}
		if !waiting {
			progress(StageWaiting)
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// load reads both keys. The error is fs.ErrNotExist when none were made, errDamaged when a file is missing or does not match the manifest.
func (c cacheEntry) load() (*groth16.ProvingKey, []byte, error) {
	raw, err := os.ReadFile(filepath.Join(c.dir, manifestFile))
	if err != nil {
		return nil, nil, err
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil || m.Name != c.name || m.CircuitID != hex.EncodeToString(c.circuitID[:]) {
		return nil, nil, fmt.Errorf("%w: %s", errDamaged, manifestFile)
	}
	vkBytes, err := c.read(verifyingFile, m.Verifying)
	if err != nil {
		return nil, nil, err
	}
	dump, err := c.read(provingFile, m.Proving)
	if err != nil {
		return nil, nil, err
	}
	// The dump is not checked point by point: its hash says that it is what this machine wrote.
	proving := new(groth16.ProvingKey)
	if err := proving.ReadDump(bytes.NewReader(dump)); err != nil {
		return nil, nil, fmt.Errorf("%w: %s: %w", errDamaged, provingFile, err)
	}
	return proving, vkBytes, nil
}

func (c cacheEntry) read(file, wantHash string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(c.dir, file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if hash := sha256.Sum256(b); err != nil || hex.EncodeToString(hash[:]) != wantHash {
		return nil, fmt.Errorf("%w: %s", errDamaged, file)
	}
	return b, nil
}

// generate makes keys by one party and writes them, the manifest last.
func (c cacheEntry) generate(system *cs.R1CS, progress func(stage string)) error {
	progress(StageGenerating)
	var proving groth16.ProvingKey
	var verifying groth16.VerifyingKey
	if err := groth16.Setup(system, &proving, &verifying); err != nil {
		return fmt.Errorf("generating: %w", err)
	}
	var dump, vk bytes.Buffer
	if err := proving.WriteDump(&dump); err != nil {
		return fmt.Errorf("serialising the proving key: %w", err)
	}
	if _, err := verifying.WriteRawTo(&vk); err != nil {
		return fmt.Errorf("serialising the verification key: %w", err)
	}
	provingHash, verifyingHash := sha256.Sum256(dump.Bytes()), sha256.Sum256(vk.Bytes())
	m, err := json.MarshalIndent(manifest{
		Name: c.name, Warning: warning, CircuitID: hex.EncodeToString(c.circuitID[:]),
		Proving: hex.EncodeToString(provingHash[:]), Verifying: hex.EncodeToString(verifyingHash[:]),
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("serialising the manifest: %w", err)
	}
	if err := c.clear(); err != nil {
		return err
	}
	for _, file := range []struct {
		name    string
		content []byte
	}{{provingFile, dump.Bytes()}, {verifyingFile, vk.Bytes()}, {manifestFile, m}} {
		if err := c.write(file.name, file.content); err != nil {
			return err
		}
	}
	return nil
}

// clear removes what is there, unfinished files of processes that died included, the manifest first. The lock is held, so nobody is reading or writing.
func (c cacheEntry) clear() error {
	if err := os.Remove(filepath.Join(c.dir, manifestFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	files, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		if file.Name() == lockFile {
			continue
		}
		if err := os.Remove(filepath.Join(c.dir, file.Name())); err != nil {
			return err
		}
	}
	return nil
}

// write replaces a file in one step.
func (c cacheEntry) write(file string, content []byte) (err error) {
	f, err := os.CreateTemp(c.dir, file+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if _, err := f.Write(content); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(c.dir, file))
}
