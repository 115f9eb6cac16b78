package node_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"entente/schema/wire"
	"entente/zk/transcript"
)

// policy is what an auditor trusts of a bank's log, as a standard client writes it: the log itself, and the two other banks.
func (w *world) policy(t *testing.T, bank string) (torchwood.Policy, []note.Verifier) {
	t.Helper()
	var log torchwood.Policy
	var others []torchwood.Policy
	var keys []note.Verifier
	for _, b := range w.net.Trust.Banks {
		if b.ID == bank {
			key, err := note.NewVerifier(b.LogKey)
			if err != nil {
				t.Fatal(err)
			}
			log, keys = torchwood.ThresholdPolicy(2, torchwood.OriginPolicy(b.LogOrigin), torchwood.SingleVerifierPolicy(key)), append(keys, key)
			continue
		}
		key, err := torchwood.NewCosignatureVerifier(b.Witness)
		if err != nil {
			t.Fatal(err)
		}
		others, keys = append(others, torchwood.SingleVerifierPolicy(key)), append(keys, key)
	}
	return torchwood.ThresholdPolicy(2, log, torchwood.ThresholdPolicy(len(others), others...)), keys
}

// A standard client that trusts nothing but the keys of the trust file reads every bank's log, cosigned by the two others.
func theLogIsPublic(t *testing.T, w *world) {
	for _, bank := range w.net.Trust.Banks {
		policy, _ := w.policy(t, bank.ID)
		client := &http.Client{Timeout: 10 * time.Second}
		defer client.CloseIdleConnections()
		f, err := torchwood.NewTileFetcher(w.net.LogURL(bank.ID), torchwood.WithHTTPClient(client))
		if err != nil {
			t.Fatal(err)
		}
		size := w.net.Banks[bank.ID].Engine().Head().Size
		head := w.cosignedHead(t, f, policy, size)
		hashes, err := torchwood.TileHashReaderWithContext(t.Context(), head.Tree, f).ReadHashes([]int64{0})
		if err != nil || len(hashes) != 1 {
			t.Errorf("the tiles of %s do not lead to its head: %v", bank.ID, err)
		}
		answer, err := client.Get(w.net.LogURL(bank.ID) + "/tile/entries/000.p/1")
		if err != nil || answer.StatusCode != http.StatusUnauthorized || answer.Body.Close() != nil {
			t.Errorf("entries of %s without a token: %v (%v)", bank.ID, answer, err)
		}
		answer, err = client.Post(w.net.LogURL(bank.ID)+"/witness/add-checkpoint", "text/plain", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(answer.Body); errors.Join(err, answer.Body.Close()) != nil || answer.StatusCode != http.StatusBadRequest {
			t.Errorf("the witness of %s answers %d to nothing", bank.ID, answer.StatusCode)
		}
	}
}

// cosignedHead reads checkpoints until one of at least size leaves has what the policy wants.
func (w *world) cosignedHead(t *testing.T, f *torchwood.TileFetcher, policy torchwood.Policy, size int64) torchwood.Checkpoint {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		raw, err := f.ReadEndpoint(ctx, "checkpoint")
		if err != nil {
			t.Fatal(err)
		}
		head, _, err := torchwood.VerifyCheckpoint(raw, policy)
		if err == nil && head.N >= size {
			return head
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the head is of %d leaves, %d are there (%v)", head.N, size, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// An auditor's head has its quorum at once, however fresh the last entry is.
func headsAreCosigned(t *testing.T, w *world) {
	for _, bank := range w.net.Trust.Banks {
		size := w.net.Banks[bank.ID].Engine().Head().Size
		answer, err := w.ask(t, w.key(t, "auditor", wire.PurposeService, "AUDITOR-1"), bank.ID, "head", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, keys := w.policy(t, bank.ID)
		head, signatures, err := transcript.Open(answer, keys...)
		if err != nil || int64(head.Size) < size || len(signatures) != 3 {
			t.Errorf("%s gives a head of %d leaves with %d signatures, it had %d (%v)", bank.ID, head.Size, len(signatures), size, err)
		}
	}
}
