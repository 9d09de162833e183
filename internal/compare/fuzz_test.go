package compare

import (
	"archive/zip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fuzz checks what holds of any two files: nothing panics, a file is identical to
// itself, and without a tolerance it does not matter which is the recorded one.
func fuzz(f *testing.F, name string, seeds ...string) {
	for i, s := range seeds {
		f.Add([]byte(s), []byte(seeds[(i+1)%len(seeds)]))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x, y := string(a), string(b)
		for _, tol := range []Tolerance{{}, {1e-3, 1e-3}} {
			if r := files(t, name, x, x, tol); r.Verdict != Identical {
				t.Fatalf("not identical to itself: %s", show(r))
			}
			r, s := files(t, name, x, y, tol), files(t, name, y, x, tol)
			if (r.Verdict == Identical) != (x == y) || r.Verdict == Within && tol == (Tolerance{}) {
				t.Fatalf("%s", show(r))
			}
			if tol == (Tolerance{}) && (r.Verdict != s.Verdict || (r.Count > 0) != (s.Count > 0)) {
				t.Fatalf("not symmetric: %s, %s", show(r), show(s))
			}
			if (r.Verdict == Differs) != (r.Where != "") || len(r.Where)+len(r.Want)+len(r.Got) > 4000 {
				t.Fatalf("%s", show(r))
			}
		}
	})
}

func FuzzJSON(f *testing.F) {
	fuzz(f, "a.json", `{"a": [1, 2.5e3, NaN], "b": "\ud83d\ude00"}`, `{"b": "x", "a": [-Infinity], "a": {}}`, `[[[]], "\u00zz"]`, "\ufeff-0.0", `{"a": {"b": null}}`, "")
}

func FuzzJSONLines(f *testing.F) {
	fuzz(f, "a.jsonl", "{\"a\":1}\n\n2", "{\"a\":2}\r\n3\n", "x")
}

// FuzzValidJSON checks that what encoding/json takes is taken, too.
func FuzzValidJSON(f *testing.F) {
	for _, s := range []string{`{"a": [1, 2.5e3], "b": "\ud83d"}`, `[01]`, `"\x"`, `-`, `1.e3`, "\"\t\"", `[1,]`, `{"a" 1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= maxDepth || strings.ContainsAny(string(b), "NI\ufeff") {
			return
		}
		j := jsonText{src: b}
		if ok := j.valid(); ok != json.Valid(b) {
			t.Fatalf("%q: %v", b, ok)
		}
	})
}

func FuzzCSV(f *testing.F) {
	fuzz(f, "a.csv", "a,b\n1,\"x\"\"y\"\r\n", "a,b\n1.0,x,y\n2", "\"", "\ufeffa;b\n1;\"\n\"z", ",\n,")
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"1", "-0.5e-3", "+.5", "5.", "nan", "-inf", "1e999999999999999", "00", "0e5", "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := parseNumber(s)
		if !ok {
			return
		}
		want, err := strconv.ParseFloat(s, 64)
		if err != nil && !math.IsInf(want, 0) || !n.equal(n) {
			t.Fatalf("%q: %v", s, err)
		}
		if again := fmt.Sprintf("0.%se%d", n.digits, n.exp); n.word == 0 && n.digits != "" {
			if v, _ := strconv.ParseFloat(again, 64); v != math.Abs(want) {
				t.Fatalf("%q: %s", s, again)
			}
		}
	})
}

func FuzzNpy(f *testing.F) {
	fuzz(f, "a.npy",
		npy("<f4", false, "(2,)", le, []float32{1, 2}), npy(">f4", false, "(2,)", be, []float32{1, 2.001}),
		npy("|S3", true, "(1, 2)", le, []byte("abcdef")), npy("<U1", false, "(2L, )", le, []rune("éa")),
		npy("[('a', '<i2')]", false, "()", le, int16(1)), npy("<c8", false, "()", le, complex64(1)))
}

func FuzzNpyHeader(f *testing.F) {
	for _, s := range []string{"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", `{"descr": [('a', "<f4", (2,))], 'fortran_order': True, 'shape': ()}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parseNpyHeader(s)
		if err != nil {
			return
		}
		if h.items < 0 || h.size < 0 || h.items > 0 && h.size > math.MaxInt64/h.items || !h.sameType(h) {
			t.Fatalf("%+v", h)
		}
		h.typeName()
		h.index(max(h.items-1, 0))
	})
}

func FuzzNpz(f *testing.F) {
	a, b := npy("<f4", false, "(2,)", le, []float32{1, 2}), npy("<f4", false, "(2,)", le, []float32{1, 3})
	fuzz(f, "a.npz",
		zipOf(f, zip.Store, time.Time{}, "a.npy", a), zipOf(f, zip.Deflate, time.Time{}, "a.npy", b, "b.npy", a),
		zipOf(f, zip.Deflate, time.Time{}, "b.txt", "abc"), overlapping(f), rawSize(f, 1<<20))
}

// TestPerturbed changes one number by less or by more than the tolerance, and
// expects to be told which it was.
func TestPerturbed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tol := Tolerance{rapid.Float64Range(1e-6, 1).Draw(rt, "rel"), rapid.Float64Range(1e-6, 1).Draw(rt, "abs")}
		want := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 1, 20).Draw(rt, "numbers")
		at := rapid.IntRange(0, len(want)-1).Draw(rt, "at")
		factor := rapid.SampledFrom([]float64{-1.01, -0.99, 0.99, 1.01}).Draw(rt, "factor")
		got := append([]float64(nil), want...)
		got[at] += factor * (tol.Abs + tol.Rel*math.Abs(want[at]))
		shape := fmt.Sprintf("(%d,)", len(want))
		for _, f := range []struct {
			name, where string
			write       func([]float64) string
		}{
			{"a.npy", fmt.Sprintf("index [%d]", at), func(v []float64) string { return npy("<f8", false, shape, le, v) }},
			{"a.npy", fmt.Sprintf("index [%d]", at), func(v []float64) string { return npy(">f8", false, shape, binary.BigEndian, v) }},
			{"a.json", fmt.Sprintf("key x[%d]", at), func(v []float64) string {
				b, _ := json.Marshal(map[string]any{"x": v})
				return string(b)
			}},
			{"a.jsonl", fmt.Sprintf("line %d, the value", at+1), func(v []float64) string { return join(v, "\n") }},
			{"a.csv", fmt.Sprintf("row %d, column x", at+1), func(v []float64) string { return "x\n" + join(v, "\n") }},
			{"a.tsv", fmt.Sprintf("row 1, column %d", at+1), func(v []float64) string { return join(v, "\t") }},
		} {
			r := files(t, f.name, f.write(want), f.write(got), tol)
			if math.Abs(factor) < 1 && r.Verdict != Within || math.Abs(factor) > 1 && (r.Verdict != Differs || r.Where != f.where || r.Count != 1) {
				rt.Errorf("%s: %s", f.name, show(r))
			}
			if d := math.Abs(got[at] - want[at]); math.Abs(r.Largest-d) > 1e-9*(d+1) {
				rt.Errorf("%s: largest %v, not %v", f.name, r.Largest, d)
			}
			if r := files(t, f.name, f.write(want), f.write(got), Tolerance{}); r.Verdict != Differs || r.Where != f.where {
				rt.Errorf("%s, exactly: %s", f.name, show(r))
			}
		}
	})
}

func join(v []float64, by string) string {
	s := make([]string, len(v))
	for i, f := range v {
		s[i] = strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strings.Join(s, by)
}
