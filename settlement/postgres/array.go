package postgres

import (
	"encoding/binary"

	"github.com/jackc/pgx/v5/pgtype"
)

// array is a column of many rows as the server's binary form of an array of one dimension, to be sent as it is: the driver's own way from slices to that form
// asks each element for its type.
type array []byte

const arrayHead = 20

// arrayOf begins an array of n elements of about so many bytes each.
func arrayOf(n, size int, element uint32) array {
	a := make(array, 0, arrayHead+n*(4+size))
	a = binary.BigEndian.AppendUint32(a, 1)         // dimensions
	a = binary.BigEndian.AppendUint32(a, 1)         // may hold NULL
	a = binary.BigEndian.AppendUint32(a, element)   // type
	a = binary.BigEndian.AppendUint32(a, uint32(n)) // length
	return binary.BigEndian.AppendUint32(a, 1)      // number of the first
}

func (a array) null() array { return binary.BigEndian.AppendUint32(a, 1<<32-1) }

func bigints[R any](rows []R, of func(*R) int64) array {
	a := arrayOf(len(rows), 8, pgtype.Int8OID)
	for i := range rows {
		a = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(a, 8), uint64(of(&rows[i])))
	}
	return a
}

// bigintsOrNull has NULL in place of zero.
func bigintsOrNull[R any](rows []R, of func(*R) int64) array {
	a := arrayOf(len(rows), 8, pgtype.Int8OID)
	for i := range rows {
		if v := of(&rows[i]); v == 0 {
			a = a.null()
		} else {
			a = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(a, 8), uint64(v))
		}
	}
	return a
}

func integers[R any](rows []R, of func(*R) int32) array {
	a := arrayOf(len(rows), 4, pgtype.Int4OID)
	for i := range rows {
		a = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(a, 4), uint32(of(&rows[i])))
	}
	return a
}

func smallints[R any](rows []R, of func(*R) int16) array {
	a := arrayOf(len(rows), 2, pgtype.Int2OID)
	for i := range rows {
		a = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(a, 2), uint16(of(&rows[i])))
	}
	return a
}

// texts has the empty text as it is, textsOrNull NULL in place of it.
func texts[R any](rows []R, of func(*R) string) array {
	a := arrayOf(len(rows), 16, pgtype.TextOID)
	for i := range rows {
		v := of(&rows[i])
		a = append(binary.BigEndian.AppendUint32(a, uint32(len(v))), v...)
	}
	return a
}

func textsOrNull[R any](rows []R, of func(*R) string) array {
	a := arrayOf(len(rows), 16, pgtype.TextOID)
	for i := range rows {
		if v := of(&rows[i]); v == "" {
			a = a.null()
		} else {
			a = append(binary.BigEndian.AppendUint32(a, uint32(len(v))), v...)
		}
	}
	return a
}

// blobs has NULL where of gives nil.
func blobs[R any](rows []R, size int, of func(*R) []byte) array {
	a := arrayOf(len(rows), size, pgtype.ByteaOID)
	for i := range rows {
		if v := of(&rows[i]); v == nil {
			a = a.null()
		} else {
			a = append(binary.BigEndian.AppendUint32(a, uint32(len(v))), v...)
		}
	}
	return a
}

// arrayCodec sends an array as it is, and everything else as before.
type arrayCodec struct{ pgtype.Codec }

// PlanEncode implements pgtype.Codec.
func (c arrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ready := value.(array); ready && format == pgtype.BinaryFormatCode {
		return arrayPlan{}
	}
	return c.Codec.PlanEncode(m, oid, format, value)
}

type arrayPlan struct{}

// Encode implements pgtype.EncodePlan.
func (arrayPlan) Encode(value any, buf []byte) ([]byte, error) {
	return append(buf, value.(array)...), nil //nolint:forcetypeassert // PlanEncode saw that it is one
}

// takeArrays lets a session's types take arrays that are ready.
func takeArrays(m *pgtype.Map) {
	for _, oid := range []uint32{pgtype.Int2ArrayOID, pgtype.Int4ArrayOID, pgtype.Int8ArrayOID, pgtype.TextArrayOID, pgtype.ByteaArrayOID} {
		if t, ok := m.TypeForOID(oid); ok {
			m.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: arrayCodec{t.Codec}})
		}
	}
}
