package tiles

import (
	"context"
	"fmt"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"entente/schema/refusal"
	"entente/settlement/engine"
	"entente/zk/transcript"
)

// CodeMissing is the refusal of a tile that the log does not have, or does not have yet.
const CodeMissing refusal.Code = "tile_missing"

// Log reads the tiles of the log that an engine writes.
type Log struct{ engine *engine.Engine }

// Of gives the log of an engine.
func Of(e *engine.Engine) *Log { return &Log{e} }

// Head gives the latest signed head; zero as long as the log is empty.
func (l *Log) Head() engine.Checkpoint { return l.engine.Head() }

// hashesMost is the number of hashes that a level has under a head.
func hashesMost(size int64, level int) int64 {
	if level*transcript.TileHeight >= 63 {
		return 0
	}
	return size >> (level * transcript.TileHeight)
}

// there refuses a tile that reaches beyond the head.
func (l *Log) there(t tlog.Tile) error {
	end := t.N*transcript.TileWidth + int64(t.W)
	if t.N > (1<<62)/transcript.TileWidth || end > hashesMost(l.engine.Head().Size, max(0, t.L)) {
		return refusal.Newf(CodeMissing, "ask for tiles under a checkpoint of the log", "the log has no %s", torchwood.TilePath(t))
	}
	return nil
}

// Tile gives the hashes of a tile, 32 bytes each. Refusal: tile_missing.
func (l *Log) Tile(ctx context.Context, t tlog.Tile) ([]byte, error) {
	if err := l.there(t); err != nil {
		return nil, err
	}
	from := t.N * transcript.TileWidth
	hashes, err := l.row(ctx, t.L, from, from+int64(t.W))
	if err != nil {
		return nil, err
	}
	if len(hashes) != t.W {
		return nil, fmt.Errorf("%s has %d of %d hashes in the store", torchwood.TilePath(t), len(hashes), t.W)
	}
	data := make([]byte, 0, t.W*tlog.HashSize)
	for i := range hashes {
		data = append(data, hashes[i][:]...)
	}
	return data, nil
}

func (l *Log) row(ctx context.Context, level int, from, to int64) ([]transcript.Hash, error) {
	if level > 0 {
		return l.engine.Nodes(ctx, level, from, to)
	}
	leaves, err := l.engine.Leaves(ctx, from, to)
	hashes := make([]transcript.Hash, len(leaves))
	for i, leaf := range leaves {
		hashes[i] = transcript.LeafHash(leaf)
	}
	return hashes, err
}

// Entries gives the bundle of leaves that a tile of level -1 names. Refusal: tile_missing.
func (l *Log) Entries(ctx context.Context, t tlog.Tile) ([]byte, error) {
	if err := l.there(t); err != nil {
		return nil, err
	}
	from := t.N * transcript.TileWidth
	leaves, err := l.engine.Leaves(ctx, from, from+int64(t.W))
	if err != nil {
		return nil, err
	}
	if len(leaves) != t.W {
		return nil, fmt.Errorf("%s has %d of %d leaves in the store", torchwood.TilePath(t), len(leaves), t.W)
	}
	var bundle []byte
	for i, leaf := range leaves {
		if bundle, err = torchwood.AppendTileEntry(bundle, leaf); err != nil {
			return nil, fmt.Errorf("leaf %d: %w", from+int64(i), err)
		}
	}
	return bundle, nil
}

// Consistency makes the proof that the first oldSize leaves of the log grew into those under a head of it. Everything read is checked against the head.
// Refusal: merkle_proof_invalid when the head is smaller.
func (l *Log) Consistency(ctx context.Context, oldSize uint64, head transcript.Checkpoint) ([]transcript.Hash, error) {
	return transcript.ConsistencyFromTiles(oldSize, head, reader{l, ctx})
}

// reader reads the log as a client of tiles does.
type reader struct {
	log *Log
	ctx context.Context //nolint:containedctx // the interface of tlog has no place for it; a reader lives as long as one call
}

func (r reader) Height() int                     { return transcript.TileHeight }
func (r reader) SaveTiles([]tlog.Tile, [][]byte) {}
func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	var err error
	for i, t := range tiles {
		if data[i], err = r.log.Tile(r.ctx, t); err != nil {
			return nil, err
		}
	}
	return data, nil
}
