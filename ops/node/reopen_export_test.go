package node

import "context"

// Reopen opens a desk that was closed again from its journal, as its process does when it starts. It does no work of its own yet.
func (d *Desk) Reopen(ctx context.Context) (*Desk, error) { return OpenDesk(ctx, d.cfg) }
