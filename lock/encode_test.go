package lock

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/xtrepro/xt/hash"
)

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := genFile().Draw(t, "file")
		text := f.Encode()
		if !utf8.Valid(text) {
			t.Fatalf("not UTF-8: %q", text)
		}
		if _, ok := scanDocument(string(text)); !ok {
			t.Fatalf("not of the plain form:\n%s", text)
		}
		g, err := Parse("xt.lock", text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if d := cmp.Diff(f, g); d != "" {
			t.Fatalf("(-written +read)\n%s\n%s", d, text)
		}
		if again := g.Encode(); !bytes.Equal(again, text) {
			t.Fatalf("second writing:\n%s", cmp.Diff(string(text), string(again)))
		}
	})
}

// TestLibraryAgrees reads what Encode writes with the TOML library alone.
func TestLibraryAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := genFile().Draw(t, "file")
		text := string(f.Encode())
		doc, err := decodeDocument("xt.lock", text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		g, err := read("xt.lock", doc, false)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if d := cmp.Diff(f, g); d != "" {
			t.Fatalf("(-written +read)\n%s\n%s", d, text)
		}
	})
}

// TestWindowsLineEnds reads what git makes of a lock with core.autocrlf.
func TestWindowsLineEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := genFile().Draw(t, "file")
		text := bytes.ReplaceAll(f.Encode(), []byte("\n"), []byte("\r\n"))
		g, err := Parse("xt.lock", text)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(f, g); d != "" {
			t.Fatal(d)
		}
	})
}

func TestEncode(t *testing.T) {
	env := &Environment{OS: "linux", Arch: "amd64", Python: "cpython 3.11.7", Locked: hash.Bytes([]byte("l")), Packages: []string{"numpy==2.3.4"}}
	unused := &Environment{OS: "linux", Arch: "arm64"}
	file := func(path string) Item {
		return Item{path, hash.Node{Kind: hash.File, Sum: hash.Bytes([]byte(path)), Size: 3}}
	}
	f := New()
	f.Data["caf\xe9"] = &Data{Item: Item{"caf\xe9", hash.Node{Kind: hash.Directory, Sum: hash.Bytes(nil), Size: 9, Files: 2}}, How: Committed}
	f.Environments[env.Sum()] = env
	f.Environments[unused.Sum()] = unused
	f.Stages["train@1"] = &Stage{
		Name: "train@1", Fingerprint: hash.Fingerprint(hash.Bytes([]byte("f"))), How: Executed,
		Cmd: "python a.py\ntrue", Environment: env.Sum(), Seed: new(int64(42)), Deterministic: DeterministicOn, Threads: 1,
		Deps:   []Item{file("b"), file("a")},
		Params: []Param{{Key: "lr", Value: "0.1"}, {File: "p.yaml", Key: "s", Value: "null"}},
		Pass:   map[string]string{"B": "1"}, PassUnset: []string{"A"},
	}
	want := strings.ReplaceAll(preamble+`
[data_bytes."caf\\xe9"]
blake3 = "`+hash.Bytes(nil).String()+`"
size = 9
files = 2

[environment.ENV]
os = "linux"
arch = "amd64"
python = "cpython 3.11.7"
locked = "`+env.Locked.String()+`"
packages = [
  "numpy==2.3.4",
]

[stage."train@1"]
fingerprint = "`+hash.Bytes([]byte("f")).String()+`"
how = "executed"
cmd = "python a.py\ntrue"
environment = "ENV"
seed = 42
deterministic = "on"
threads = 1
deps = [
  { path = "a", blake3 = "`+hash.Bytes([]byte("a")).String()+`", size = 3 },
  { path = "b", blake3 = "`+hash.Bytes([]byte("b")).String()+`", size = 3 },
]
params = [
  { key = "lr", value = 0.1 },
  { file = "p.yaml", key = "s", text = "null" },
]
pass = [
  { name = "A", unset = true },
  { name = "B", value = "1" },
]
`, "ENV", env.Sum().String())
	if d := cmp.Diff(want, string(f.Encode())); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if f.Stages["train@1"].Deps[0].Path != "b" {
		t.Error("Encode sorted the caller's list")
	}
}

func TestLiteral(t *testing.T) {
	tests := []struct {
		in   any
		want string
	}{
		{nil, "null"},
		{true, "true"},
		{1, "1"},
		{int64(math.MinInt64), "-9223372036854775808"},
		{1.0, "1.0"},
		{0.1, "0.1"},
		{1e21, "1e+21"},
		{math.Copysign(0, -1), "-0.0"},
		{math.NaN(), "nan"},
		{math.Inf(-1), "-inf"},
		{"a\"\n\u202e", `"a\"\n\u202E"`},
		{[]any{1, nil, []any{}}, "[1, null, []]"},
		{map[string]any{"b": 1, "a c": map[string]any{}}, `{ "a c" = {}, b = 1 }`},
	}
	for _, tt := range tests {
		if got, err := Literal(tt.in); err != nil || got != tt.want {
			t.Errorf("Literal(%v) = %s, %v; want %s", tt.in, got, err, tt.want)
		}
	}
}

func TestLiteralRefuses(t *testing.T) {
	deep := any(1)
	for range maxDepth + 1 {
		deep = []any{deep}
	}
	for _, v := range []any{"\xff", map[string]any{"\xff": 1}, uint64(1), struct{}{}, time.Time{}, deep, []any{[]string{}}} {
		if got, err := Literal(v); err == nil {
			t.Errorf("Literal(%v) = %s, want an error", v, got)
		}
	}
}
