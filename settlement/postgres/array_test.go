package postgres

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgtype"
)

// arrays reads back, by the driver, what stands in a column made here.
func arrays[V any](t *testing.T, m *pgtype.Map, oid uint32, a array) []V {
	t.Helper()
	sent, err := m.Encode(oid, pgtype.BinaryFormatCode, a, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []V
	if err := m.Scan(oid, pgtype.BinaryFormatCode, sent, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestColumnsAreWhatTheDriverReads(t *testing.T) {
	m := pgtype.NewMap()
	takeArrays(m)
	numbers := []int64{0, 1, -1, 1<<63 - 1}
	self := func(v *int64) int64 { return *v }
	one, max := int64(1), int64(1<<63-1)
	minus := int64(-1)
	check := func(got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	check(arrays[int64](t, m, pgtype.Int8ArrayOID, bigints(numbers, self)), numbers)
	check(arrays[*int64](t, m, pgtype.Int8ArrayOID, bigintsOrNull(numbers, self)), []*int64{nil, &one, &minus, &max})
	check(arrays[int32](t, m, pgtype.Int4ArrayOID, integers(numbers[:3], func(v *int64) int32 { return int32(*v) })), []int32{0, 1, -1})
	check(arrays[int16](t, m, pgtype.Int2ArrayOID, smallints(numbers[:3], func(v *int64) int16 { return int16(*v) })), []int16{0, 1, -1})
	words := []string{"", "DESK-JPN", "äöü"}
	word := func(v *string) string { return *v }
	check(arrays[string](t, m, pgtype.TextArrayOID, texts(words, word)), words)
	check(arrays[*string](t, m, pgtype.TextArrayOID, textsOrNull(words, word)), []*string{nil, &words[1], &words[2]})
	bytes := [][]byte{nil, {}, {1, 2}}
	check(arrays[[]byte](t, m, pgtype.ByteaArrayOID, blobs(bytes, 1, func(v *[]byte) []byte { return *v })), bytes)
	// What the driver made before it makes still.
	if _, err := m.Encode(pgtype.Int8ArrayOID, pgtype.BinaryFormatCode, numbers, nil); err != nil {
		t.Error(err)
	}
}
