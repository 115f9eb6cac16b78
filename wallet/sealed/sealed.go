// Package sealed closes documents so that only their readers open them: age files (age-encryption.org/v1) to X25519 recipients.
//
// Promised: only the readers named can read; any change is noticed. Not promised: who wrote it (the signed envelope around a sealed document says that), and
// the number of readers and the length, which everybody sees. Trusted: the recipients given, which come from the trust file.
package sealed

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"entente/schema/refusal"
	"entente/schema/wire"
)

// Limits in bytes, checked before anything is parsed.
const (
	Limit       = 4 << 20  // a sealed document
	limitHeader = 16 << 10 // its header: about a hundred readers
)

// The codes of the refusals this package gives.
const (
	// CodeReaderInvalid refuses to seal to nobody, or to a text that is no age X25519 recipient.
	CodeReaderInvalid refusal.Code = "seal_reader_invalid"
	// CodeNotForUs says that a document is sealed to others.
	CodeNotForUs refusal.Code = "seal_not_for_us"
	// CodeDamaged says that a sealed document is not what was written.
	CodeDamaged refusal.Code = "seal_damaged"
)

// Seal closes a document to each recipient, "age1...". Refusals: seal_reader_invalid, too_large.
func Seal(plaintext []byte, recipients ...string) ([]byte, error) {
	if len(recipients) == 0 {
		return nil, refusal.New(CodeReaderInvalid, "a document was to be sealed to nobody", "name its readers")
	}
	readers := make([]age.Recipient, len(recipients))
	for i, text := range recipients {
		reader, err := age.ParseX25519Recipient(text)
		if err != nil {
			return nil, refusal.Newf(CodeReaderInvalid, "take recipients from the trust file", "%.80q is no recipient to seal to", text)
		}
		readers[i] = reader
	}
	var file bytes.Buffer
	w, err := age.Encrypt(&file, readers...)
	if err != nil {
		return nil, fmt.Errorf("seal a document: %w", err)
	}
	if file.Len() > limitHeader {
		return nil, refusal.Newf(wire.CodeTooLarge, "seal to fewer readers", "%d readers do not fit one document", len(readers))
	}
	if _, err := w.Write(plaintext); err != nil {
		return nil, fmt.Errorf("seal a document: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("seal a document: %w", err)
	}
	if file.Len() > Limit {
		return nil, refusal.Newf(wire.CodeTooLarge, "send it in parts", "a document of %d bytes is too large to be sealed", len(plaintext))
	}
	return file.Bytes(), nil
}

// Open reads a document with any of our identities. Refusals: too_large before anything is parsed, seal_not_for_us, seal_damaged.
func Open(sealed []byte, identities ...age.Identity) ([]byte, error) {
	if len(sealed) > Limit {
		return nil, refusal.Newf(wire.CodeTooLarge, "ask the sender for smaller parts", "a sealed document of %d bytes exceeds the limit of %d bytes", len(sealed), Limit)
	}
	if len(identities) == 0 {
		return nil, refusal.New(CodeNotForUs, "a sealed document was to be opened without an identity", "open the ring that holds it")
	}
	// Each reader in the header costs a key agreement, so a header of megabytes would keep us busy for minutes.
	if end := bytes.Index(sealed[:min(len(sealed), limitHeader)], []byte("\n---")); end < 0 {
		return nil, damaged()
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), identities...)
	if wrong := (*age.NoIdentityMatchError)(nil); errors.As(err, &wrong) {
		return nil, refusal.New(CodeNotForUs, "a document is sealed to others", "ask its author to name you among the readers")
	}
	if err != nil {
		return nil, damaged()
	}
	plaintext, err := io.ReadAll(r)
	if err != nil {
		return nil, damaged()
	}
	return plaintext, nil
}

func damaged() error {
	return refusal.New(CodeDamaged, "a sealed document is not what was written", "ask its author to send it again")
}
