package node

import "context"

// Reopen opens a desk that was closed again from its journal, as its process does when it starts. It does no work of its own yet.
func (d *Desk) Reopen(ctx context.Context) (*Desk, error) { return OpenDesk(ctx, d.cfg) }

// PostWithoutCarrier journals a post that the carrier never gets, as when the broker is away just then.
func (d *Desk) PostWithoutCarrier(ctx context.Context, kind string, body []byte, readers ...string) error {
	d.sending.Lock()
	defer d.sending.Unlock()
	envelope, p, err := d.signPost(kind, body, readers)
	if err != nil {
		return err
	}
	return d.keepPost(ctx, &envelope, p)
}

// Heard counts an author's posts that are in this desk's journal.
func (d *Desk) Heard(author string) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.chain(author).seq
}
