package compare

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"testing"
	"time"
)

// npy writes an array file of version 1; data is what binary.Write takes.
func npy(descr string, fortran bool, shape string, order binary.ByteOrder, data any) string {
	word := map[bool]string{true: "True", false: "False"}[fortran]
	if !strings.HasPrefix(descr, "[") {
		descr = "'" + descr + "'"
	}
	header := fmt.Sprintf("{'descr': %s, 'fortran_order': %s, 'shape': %s, }", descr, word, shape)
	header += strings.Repeat(" ", 63-(len(header)+10)%64) + "\n"
	var b bytes.Buffer
	b.WriteString("\x93NUMPY\x01\x00")
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(header))))
	b.WriteString(header)
	if err := binary.Write(&b, order, data); err != nil {
		panic(err)
	}
	return b.String()
}

var le, be binary.ByteOrder = binary.LittleEndian, binary.BigEndian

func TestNpy(t *testing.T) {
	f4 := func(v ...float32) string { return npy("<f4", false, fmt.Sprintf("(%d,)", len(v)), le, v) }
	nan := float32(math.NaN())
	inf := float32(math.Inf(1))
	zero := float32(math.Copysign(0, -1))
	grid := func(fortran bool, at int) string {
		v := make([]int32, 12)
		v[at] = 5
		return npy("<i4", fortran, "(3, 4)", le, v)
	}
	odd := npy("<f4", false, "(1,)", le, []byte{1, 0, 0xc0, 0x7f})
	check(t, "a.npy", []test{
		{f4(1, 2), f4(1, 2.5), 0, "different: index [1]: 2 -> 2.5 (1) by 0.5"},
		{f4(1, 2), f4(1, 2.125), 0.1, "within the tolerance by 0.125"},
		{f4(1, 2, 3), f4(3, 9, 3), 0.1, "different: index [0]: 1 -> 3 (2) by 7"},
		{f4(nan, inf, -inf, 0, 1), f4(nan, inf, -inf, zero, 1), 0.1, "within the tolerance by 0"},
		{f4(0), f4(zero), 0, "different: index [0]: 0 -> -0 (1) by 0"},
		{f4(inf), f4(-inf), 9, "different: index [0]: inf -> -inf (1) by +Inf"},
		{f4(nan), f4(1), 9, "different: index [0]: NaN -> 1 (1)"},
		{f4(nan), odd, 1, "within the tolerance"},
		{f4(nan), odd, 0, "different: the values are the same, but not the bytes: first difference at byte 128 (the header, the byte order, or the bits of a NaN?): 0x00 of 132 bytes -> 0x01 of 132 bytes"},
		{grid(false, 0), grid(false, 7), 0, "different: index [0, 0]: 5 -> 0 (2) by 5"},
		{grid(false, 7), npy("<i4", false, "(3, 4)", le, make([]int32, 12)), 0, "different: index [1, 3]: 5 -> 0 (1) by 5"},
		{grid(true, 7), npy("<i4", true, "(3, 4)", le, make([]int32, 12)), 0, "different: index [1, 2]: 5 -> 0 (1) by 5"},
		{grid(true, 7), grid(false, 7), 0, "different: C order instead of Fortran order (1)"},
		{f4(1), npy("<f8", false, "(1,)", le, 1.0), 1, "different: dtype float64 instead of float32 (1)"},
		{f4(1), f4(1, 2), 1, "different: shape (2,) instead of (1,) (1)"},
		{npy("<f8", false, "()", le, 1.5), npy("<f8", false, "()", le, 1e-5), 0, "different: the value: 1.5 -> 1e-05 (1) by 1.5"},
		{npy("<f8", false, "(1,)", le, 1.5), npy(">f8", false, "(1,)", be, 1.5), 1, "within the tolerance"},
		{npy("<f2", false, "(4,)", le, []uint16{0x3c00, 1, 0x7c00, 0xfe00}), npy(">f2", false, "(4,)", be, []uint16{0xbc00, 2, 0xfc00, 0x7e01}), 0, "different: index [0]: 1 -> -1 (3) by +Inf"},
		{npy("<i8", false, "(2,)", le, []int64{1 << 60, math.MinInt64}), npy("<i8", false, "(2,)", le, []int64{1<<60 + 1, math.MaxInt64}), 0, "different: index [0]: 1152921504606846976 -> 1152921504606846977 (2) by 1.84e+19"},
		{npy("<u8", false, "(1,)", le, uint64(math.MaxUint64)), npy("<u8", false, "(1,)", le, uint64(math.MaxUint64-1)), 1, "within the tolerance by 1"},
		{npy("|i1", false, "(1,)", le, int8(-3)), npy("|i1", false, "(1,)", le, int8(3)), 1, "different: index [0]: -3 -> 3 (1) by 6"},
		{npy("<u2", false, "(1,)", le, uint16(9)), npy("<u2", false, "(1,)", le, uint16(8)), 0, "different: index [0]: 9 -> 8 (1) by 1"},
		{npy("|b1", false, "(2,)", le, []bool{true, false}), npy("|b1", false, "(2,)", le, []bool{true, true}), 1, "different: index [1]: False -> True (1)"},
		{npy("<c8", false, "(2,)", le, []complex64{1, 3 + 4i}), npy("<c8", false, "(2,)", le, []complex64{1, 3 - 4i}), 0.1, "different: index [1]: 3+4j -> 3-4j (1) by 8"},
		{npy("<c16", false, "(1,)", le, 30+40i), npy(">c16", false, "(1,)", be, 31+40i), 0.1, "within the tolerance by 1"},
		{npy("|S3", false, "(2,)", le, []byte("abcde\x00")), npy("|S3", false, "(2,)", le, []byte("abcdf\x00")), 1, `different: index [1]: "de" -> "df" (1)`},
		{npy("<U2", false, "(1,)", le, []rune("é\x00")), npy(">U2", false, "(1,)", be, []rune("éa")), 1, `different: index [0]: "é" -> "éa" (1)`},
		{npy("<M8[ns]", false, "(1,)", le, int64(5)), npy("<M8[ns]", false, "(1,)", le, int64(math.MinInt64)), 1, `different: index [0]: 5 ns -> NaT (1)`},
		{npy("<M8[ns]", false, "(1,)", le, int64(5)), npy("<M8[s]", false, "(1,)", le, int64(5)), 1, `different: dtype datetime64[s] instead of datetime64[ns] (1)`},
		{npy("|V2", false, "(1,)", le, int16(5)), npy("|V2", false, "(1,)", le, int16(6)), 1, `different: index [0]: 0x0500 -> 0x0600 (1)`},
		{npy("|O", false, "(1,)", le, int16(5)), npy("|O", false, "(1,)", le, int16(6)), 1, `different: byte 128 (0x80): 0x05 of 130 bytes -> 0x06 of 130 bytes (1)`},
		{npy("[('a', '<i2')]", false, "(1,)", le, int16(5)), npy("[('a', '<i2')]", false, "(1,)", le, int16(6)), 1, `different: byte 128 (0x80): 0x05 of 130 bytes -> 0x06 of 130 bytes (1)`},
		{npy("[('a', '<i2')]", false, "(1,)", le, int16(5)), npy("[('b', '<i2')]", false, "(1,)", le, int16(5)), 1, `different: dtype [('b', '<i2')] instead of [('a', '<i2')] (1)`},
		{npy("<f4", false, "(2,)", le, float32(1)), npy("<f4", false, "(2,)", le, float32(2)), 9, "different: byte 130 (0x82): 0x80 of 132 bytes -> 0x00 of 132 bytes (1)"},
		{npy("<f4", false, "(0, 4611686018427387904, 9)", le, []byte{}), npy("<f4", false, "(0, 4611686018427387904, 8)", le, []byte{}), 9, "different: shape (0, 4611686018427387904, 8) instead of (0, 4611686018427387904, 9) (1)"},
		{npy("<f4", false, "(4611686018427387904, 4)", le, []byte{1}), npy("<f4", false, "(4611686018427387904, 4)", le, []byte{2}), 9, "different: byte 128 (0x80): 0x01 of 129 bytes -> 0x02 of 129 bytes (1)"},
		{"hello", "hallo", 9, "different: byte 1 (0x1): 0x65 of 5 bytes -> 0x61 of 5 bytes (1)"},
	})
}

// TestBlocks finds what is beyond the first block.
func TestBlocks(t *testing.T) {
	v := make([]float64, 3*block/8+5)
	want := npy("<f8", false, fmt.Sprintf("(%d, 1)", len(v)), le, v)
	v[len(v)-2] = 1
	got := npy("<f8", false, fmt.Sprintf("(%d, 1)", len(v)), le, v)
	check(t, "a.npy", []test{{want, got, 0, "different: index [393219, 0]: 0 -> 1 (1) by 1"}})
}

// zipOf packs members, given by name and content, at a time.
func zipOf(t testing.TB, method uint16, at time.Time, members ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		f, err := w.CreateHeader(&zip.FileHeader{Name: members[i], Method: method, Modified: at})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(members[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestNpz(t *testing.T) {
	now := time.Date(2024, 1, 2, 3, 4, 6, 0, time.UTC)
	a, b := npy("<f4", false, "(2,)", le, []float32{1, 2}), npy("<f4", false, "(2,)", le, []float32{1, 3})
	both := zipOf(t, zip.Store, now, "w1.npy", a, "w2.npy", b)
	later := zipOf(t, zip.Store, now.Add(time.Hour), "w1.npy", a, "w2.npy", b)
	packed := zipOf(t, zip.Deflate, now, "w1.npy", a, "w2.npy", b)
	check(t, "a.npz", []test{
		{both, zipOf(t, zip.Store, now, "w1.npy", b, "w2.npy", b), 0, "different: array w1.npy, index [1]: 2 -> 3 (1) by 1"},
		{both, zipOf(t, zip.Store, now, "w1.npy", b, "w2.npy", b), 1, "within the tolerance by 1"},
		{both, zipOf(t, zip.Store, now, "w1.npy", a), 0, "different: array w2.npy is missing (1)"},
		{both, zipOf(t, zip.Store, now, "w2.npy", b, "w1.npy", a, "x, y", ""), 0, `different: array "x, y" is new (1)`},
		{zipOf(t, zip.Store, now, "x.txt", "abc"), zipOf(t, zip.Store, now, "x.txt", "abd"), 0, "different: array x.txt, byte 2 (0x2): 0x63 of 3 bytes -> 0x64 of 3 bytes (1)"},
		{both, later, 1, "within the tolerance"},
		{both, packed, 1, "within the tolerance"},
	})
	for hint, got := range map[string]string{"zip time stamp?": later, "zip compression?": packed} {
		if r := files(t, "a.npz", both, got, Tolerance{}); !strings.Contains(r.Where, "values are the same") || !strings.Contains(r.Where, hint) {
			t.Errorf("%s: %s", hint, show(r))
		}
	}
}

// TestNpzRefused looks at archives that are compared as bytes.
func TestNpzRefused(t *testing.T) {
	now := time.Now()
	a := npy("<f4", false, "(2,)", le, []float32{1, 2})
	good := zipOf(t, zip.Store, now, "a.npy", a)
	broken := []byte(good)
	broken[bytes.Index(broken, []byte("\x93NUMPY"))+len(a)-1] ^= 1
	for name, bad := range map[string]string{
		"no zip":       "PK nothing",
		"checksum":     string(broken),
		"cut":          good[:len(good)-30],
		"twice a name": zipOf(t, zip.Store, now, "a.npy", a, "a.npy", a),
		"overlap":      overlapping(t),
		"huge":         rawSize(t, 100<<40),
		"lying":        rawSize(t, 1<<30),
	} {
		for _, pair := range [][2]string{{good, bad}, {bad, good}, {bad, bad + "x"}} {
			r := files(t, "a.npz", pair[0], pair[1], Tolerance{1, 1})
			if r.Verdict != Differs || !strings.HasPrefix(r.Where, "byte ") && !strings.HasPrefix(r.Where, "line ") {
				if pair[1] == bad+"x" && r.Verdict == Within {
					continue // a zip with something after it may be a zip
				}
				t.Errorf("%s: %s", name, show(r))
			}
		}
	}
}

// overlapping is an archive whose members are all the same bytes.
func overlapping(t testing.TB) string {
	data := zipOf(t, zip.Store, time.Time{}, "a", strings.Repeat("x", 1000), "b", "")
	// The directory says of b what it says of a.
	b := []byte(data)
	dir := bytes.Index(b, []byte("PK\x01\x02"))
	second := dir + 4 + bytes.Index(b[dir+4:], []byte("PK\x01\x02"))
	copy(b[second+16:second+28], b[dir+16:dir+28])
	copy(b[second+42:second+46], b[dir+42:dir+46])
	return string(b)
}

// rawSize is an archive with a member that says it is so large.
func rawSize(t testing.TB, size uint64) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateRaw(&zip.FileHeader{Name: "a.npy", Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(nil), CompressedSize64: 2, UncompressedSize64: size})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte{3, 0}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func BenchmarkNpyFloat32(b *testing.B) {
	v := make([]float32, 1e7)
	for i := range v {
		v[i] = float32(i%1000) + 0.5
	}
	want := npy("<f4", false, "(10000000,)", le, v)
	for i := range v {
		v[i] *= 1.00001
	}
	for name, got := range map[string]string{
		"same":  want,
		"near":  npy("<f4", false, "(10000000,)", le, v),
		"lastf": want[:len(want)-1] + "A",
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(want)))
			for b.Loop() {
				files(b, "a.npy", want, got, Tolerance{Rel: 1e-3})
			}
		})
	}
}
