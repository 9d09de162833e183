package compare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files compares two contents.
func files(t testing.TB, name, want, got string, tol Tolerance) Result {
	t.Helper()
	res, err := Files(t.Context(), strings.NewReader(want), strings.NewReader(got), name, tol)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return res
}

// show writes a result on a line.
func show(r Result) string {
	s := r.Verdict.String()
	if r.Where != "" {
		s += ": " + r.Where
	}
	if r.Want != "" || r.Got != "" {
		s += ": " + r.Want + " -> " + r.Got
	}
	if r.Count > 0 {
		s += fmt.Sprintf(" (%d)", r.Count)
	}
	if r.Largest == r.Largest {
		s += fmt.Sprintf(" by %.3g", r.Largest)
	}
	return s
}

type test struct {
	want, got string
	tol       float64 // both relative and absolute
	result    string
}

func check(t *testing.T, name string, tests []test) {
	t.Helper()
	for _, c := range tests {
		if got := show(files(t, name, c.want, c.got, Tolerance{c.tol, c.tol})); got != c.result {
			t.Errorf("%s: %.80q and %.80q:\n got %s\nwant %s", name, c.want, c.got, got, c.result)
		}
	}
}

func TestBytes(t *testing.T) {
	zeros := strings.Repeat("\x00", block+5)
	check(t, "model.bin", []test{
		{"", "", 0, "identical"},
		{zeros, zeros, 0, "identical"},
		{zeros + "a", zeros + "b", 0, "different: byte 1048581 (0x100005): 0x61 of 1048582 bytes -> 0x62 of 1048582 bytes"},
		{zeros, zeros + "b", 1, "different: byte 1048581 (0x100005): the end, after 1048581 bytes -> 0x62 of 1048582 bytes"},
		{"\xff", "", 0, "different: byte 0 (0x0): 0xff of 1 bytes -> the end, after 0 bytes"},
	})
}

func TestText(t *testing.T) {
	long := strings.Repeat("é", 100)
	many := strings.Repeat("line\n", block/3)
	check(t, "log.txt", []test{
		{"a\nb\nc\n", "a\nx\nc\n", 0, `different: line 2: "b" -> "x"`},
		{"a\nb\n", "a\n", 0, `different: line 2 is missing: "b" -> `},
		{"a\n", "a\nb\nc\n", 0, `different: line 2 is new:  -> "b"`},
		{"a", "a\nb", 0, `different: line 2 is new:  -> "b"`},
		{"a", "a\n", 0, `different: line 1: the newline at its end is new`},
		{"a\n", "a", 0, `different: line 1: the newline at its end is missing`},
		{"a\r\n", "a\n", 0, `different: line 1: "a\r" -> "a"`},
		{"", "a\n", 0, `different: line 1: "" -> "a"`},
		{"\n", "", 0, `different: line 1: "" -> ""`},
		{"é", "è", 0, `different: line 1: "é" -> "è"`},
		{long + "xa", long + "xb", 0, `different: line 1, column 102: …"éééééééééééxa" -> …"éééééééééééxb"`},
		{"x\n" + long + "é" + long, "x\n" + long + "è", 0, `different: line 2, column 101: …"éééééééééééé` + strings.Repeat("é", 24) + `"… -> …"ééééééééééééè"`},
		{many + "a", many + "b", 1, `different: line 349526: "a" -> "b"`},
	})
}

func TestJSON(t *testing.T) {
	big := strings.Repeat("9", 60)
	check(t, "metrics.json", []test{
		{`{"train": {"loss": 0.5}}`, `{"train": {"loss": 0.25}}`, 0, "different: key train.loss: 0.5 -> 0.25 (1) by 0.25"},
		{`{"a":{"b":[1,2,3,{"c":"x"}]}}`, `{"a":{"b":[1,2,3,{"c":"y"}]}}`, 0, `different: key a.b[3].c: "x" -> "y" (1)`},
		{`[1,[2]]`, `[1,[3]]`, 0, "different: item [1][0]: 2 -> 3 (1) by 1"},
		{`1`, `"1"`, 0, `different: the value: 1 -> "1" (1)`},
		{`{"a.b": 1, "learning rate": 2}`, `{"a.b": 2, "learning rate": 2}`, 0, `different: key "a.b": 1 -> 2 (1) by 1`},
		{`{"acc": 1, "b": 2}`, `{"b": 2}`, 1, "different: key acc is missing: 1 ->  (1)"},
		{`{"b": 2}`, `{"b": 2, "c": {"d": [1]}}`, 1, `different: key c is new:  -> {"d": [1]} (1)`},
		{`{"a": [1,2]}`, `{"a": [1]}`, 1, "different: key a has 1 item instead of 2 (1)"},
		{`{"a": [1]}`, `{"a": [1, 5, 6]}`, 1, "different: key a has 3 items instead of 1 (2)"},
		{`{"a": 1, "b": 2}`, `{"b": 2, "a": 1}`, 0, "different: the values are the same, but not the bytes: first difference at byte 2 (white space, or the order of keys?): 0x61 of 16 bytes -> 0x62 of 16 bytes"},
		{`{"a": 1, "b": 2}`, `{"b": 2.0, "a": 1e0}`, 0.1, "within the tolerance"},
		{`{"a": 1, "b": {"x":[1,2]}, "c": 3}`, `{"c": 3, "b": {"x":[1,9]}, "a": 1}`, 0.1, "different: key b.x[1]: 2 -> 9 (1) by 7"},
		{`[1.0, 100]`, `[1.05, 101]`, 0.1, "within the tolerance by 1"},
		{`[1.0, 100]`, `[2, 101]`, 0.1, "different: item [0]: 1.0 -> 2 (1) by 1"},
		{`[NaN, Infinity, -Infinity]`, `[NaN,Infinity,-Infinity]`, 0.1, "within the tolerance"},
		{`[Infinity]`, `[-Infinity]`, 9, "different: item [0]: Infinity -> -Infinity (1) by +Inf"},
		{`[NaN]`, `[0]`, 9, "different: item [0]: NaN -> 0 (1)"},
		{`[1e999]`, `[1e998]`, 9, "different: item [0]: 1e999 -> 1e998 (1)"},
		{`[0.0]`, `[-0.0]`, 0.1, "within the tolerance by 0"},
		{`[0.0]`, `[-0.0]`, 0, "different: item [0]: 0.0 -> -0.0 (1) by 0"},
		{`[9007199254740993]`, `[9007199254740992]`, 0, "different: item [0]: 9007199254740993 -> 9007199254740992 (1) by 1"},
		{"[" + big + "]", "[" + big[1:] + "8]", 0, "different: item [0]: " + big + " -> " + big[1:] + "8 (1) by 1"},
		{`{"a":1,"a":2}`, `{"a":1,"a":3}`, 0, "different: key a: 2 -> 3 (1) by 1"},
		{`{"a":1,"a":2}`, `{"a":1}`, 0, "different: key a is missing: 2 ->  (1)"},
		{`["\u00e9\ud83d\ude00\n"]`, "[\"é😀\\u000a\"]", 1, "within the tolerance"},
		{`["\ud800"]`, `["\ud801"]`, 1, `different: item [0]: "\xed\xa0\x80" -> "\xed\xa0\x81" (1)`},
		{`[true, null]`, `[false, null]`, 1, "different: item [0]: true -> false (1)"},
		{`{"a": 1`, `{"a": 2`, 1, `different: line 1: "{\"a\": 1" -> "{\"a\": 2"`},
		{"\ufeff[1]", "[1]", 1, "within the tolerance"},
		{strings.Repeat("[", 2000) + strings.Repeat("]", 2000), "[]", 1, `different: line 1: "` + strings.Repeat("[", 72) + `"… -> "[]"`},
		{strings.Repeat("[", 900) + strings.Repeat("]", 900), strings.Repeat("[", 900) + "1" + strings.Repeat("]", 900), 1,
			"different: item " + strings.Repeat("[0]", 67) + "… (832 more) has 1 item instead of 0 (1)"},
	})
}

func TestJSONLines(t *testing.T) {
	check(t, "log.jsonl", []test{
		{"{\"a\":1}\n{\"a\":2}\n", "{\"a\":1}\n{\"a\":3}\n", 0, "different: line 2, key a: 2 -> 3 (1) by 1"},
		{"1\n2\n3\n", "1\n", 0, "different: line 2 is missing: 2 ->  (2)"},
		{"1\n", "1\n2", 0, "different: line 2 is new:  -> 2 (1)"},
		{"{\"a\":1}\r\n", "{\"a\": 1.0}\n", 1, "within the tolerance"},
		{"1\n\n2", "1\n \n2\n", 1, "within the tolerance"},
		{"x\n", "y\n", 1, `different: line 1: "x" -> "y"`},
	})
}

func TestCSV(t *testing.T) {
	check(t, "table.csv", []test{
		{"epoch,accuracy\n1,0.5\n2,0.6\n", "epoch,accuracy\n1,0.5\n2,0.7\n", 0, "different: row 2, column accuracy: 0.6 -> 0.7 (1) by 0.1"},
		{"1,2\n3,4\n", "1,2\n3,5\n", 0, "different: row 2, column 2: 4 -> 5 (1) by 1"},
		{"a,b\n1,2\n", "a,c\n1,2\n", 1, `different: the header, column 2: "b" -> "c" (1)`},
		{",x y\n0,\"a,\"\"b\"\n", ",x y\n0,\"a,\"\"c\"\n", 1, `different: row 1, column x y: "a,\"b" -> "a,\"c" (1)`},
		{"a,b\n1,\"x\ny\"\n", "a,b\r\n1.0,\"x\ny\"\r\n", 0.1, "within the tolerance"},
		{"a,b\n1,\"x\r\"\n", "a,b\n1,x\n", 1, `different: row 1, column b: "x\r" -> "x" (1)`},
		{"a,b\n1,\"x\"\n", "a,b\n1,x", 0, "different: the values are the same, but not the bytes: first difference at byte 6 (quotes, line ends, or how numbers are written?): 0x22 of 10 bytes -> 0x78 of 7 bytes"},
		{"a,b\n1,2\n", "a,b\n1,2,3,4\n", 1, `different: row 1 has 4 fields instead of 2: "1,2" -> "1,2,3,4" (2)`},
		{"a\n1\n2\n3\n", "a\n1\n", 1, `different: row 2 is missing: "2" ->  (2)`},
		{"a\n1\n", "a\n1\n2\n", 1, `different: row 2 is new:  -> "2" (1)`},
		{"a\n007\n", "a\n7\n", 1, `different: row 1, column a: "007" -> "7" (1)`},
		{"a\nnan\n-inf\n1e3\n.5\n", "a\nNaN\n-Infinity\n+1000\n0.5\n", 0.1, "within the tolerance"},
		{"a\n\n", "a\nNaN\n", 1, `different: row 1, column a: "" -> "NaN" (1)`},
		{"a;b\n1;2,5\n", "a;b\n1;2,6\n", 1, `different: row 1, column b: "2,5" -> "2,6" (1)`},
		{"a,b\n\"1,2\n", "a,b\n\"1,3\n", 1, `different: line 2: "\"1,2" -> "\"1,3"`},
		{"a,b\n1,\x00\n", "a,b\n1,2\n", 1, "different: byte 6 (0x6): 0x00 of 8 bytes -> 0x32 of 8 bytes"},
	})
	check(t, "TABLE.TSV", []test{
		{"a\tb,c\n1\t2\n", "a\tb,c\n1\t3\n", 0, `different: row 1, column "b,c": 2 -> 3 (1) by 1`},
	})
}

func TestTolerance(t *testing.T) {
	for _, tol := range []Tolerance{{-1, 0}, {0, math.NaN()}, {math.Inf(1), 0}} {
		if _, err := Files(t.Context(), strings.NewReader("a"), strings.NewReader("b"), "x", tol); err == nil {
			t.Errorf("%v is taken", tol)
		}
	}
	for _, c := range []struct {
		want, got float64
		tol       Tolerance
		near      bool
	}{
		{100, 101, Tolerance{0.01, 0}, true},
		{101, 100, Tolerance{0.0099, 0}, false},
		{0, 1e-9, Tolerance{0.5, 0}, false},
		{0, 1e-9, Tolerance{0, 1e-8}, true},
		{1e308, -1e308, Tolerance{1.9, 0}, false},
		{1e308, -1e308, Tolerance{2.1, 0}, true},
		{math.Inf(1), 1e308, Tolerance{9, 9}, false},
		{1, math.NaN(), Tolerance{9, 9}, false},
	} {
		if near := newTally(t.Context(), c.tol).near(c.want, c.got); near != c.near {
			t.Errorf("%v and %v, %v: %v", c.want, c.got, c.tol, near)
		}
	}
}

// broken is a source that cannot be read to its end.
type broken struct {
	*bytes.Reader
	good int64
	err  error
}

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.good {
		return 0, b.err
	}
	return b.Reader.ReadAt(p, off)
}

func TestReadErrors(t *testing.T) {
	data := bytes.Repeat([]byte("1,2\n"), block)
	other := append(bytes.Clone(data[:len(data)-2]), "3\n"...)
	disk := errors.New("the disk is broken")
	for _, name := range []string{"a.json", "a.jsonl", "a.csv", "a.npy", "a.npz", "a.txt"} {
		for _, err := range []error{disk, io.EOF} {
			src := broken{bytes.NewReader(other), 2 * block, err}
			_, failed := Files(t.Context(), bytes.NewReader(data), src, name, Tolerance{})
			if failed == nil || err == disk && !errors.Is(failed, disk) || !strings.Contains(failed.Error(), "the new "+name) {
				t.Errorf("%s: %v", name, failed)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Files(ctx, bytes.NewReader(data), bytes.NewReader(other), "a.csv", Tolerance{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, []byte("abc"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	src, err := Open(f)
	if err != nil || src.Size() != 3 {
		t.Fatalf("%v, %v", src, err)
	}
	res, err := Files(t.Context(), src, strings.NewReader("abc"), "a", Tolerance{})
	if err != nil || res.Verdict != Identical {
		t.Errorf("%v, %v", res, err)
	}
}
