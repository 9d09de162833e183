package lock

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/hash"
)

// digits is the digest of no bytes, which the tables below write as SUM.
var digits = hash.Bytes(nil).String()

// example is a valid lock; each case of TestParseErrors spoils it in one place.
const example = `version = 1

[data."data/digits.csv"]
blake3 = "SUM"
size = 123
how = "committed"

[stage.train]
fingerprint = "SUM"
how = "executed"
cmd = "python train.py"
commit = "0123456789abcdef0123456789abcdef01234567"
seed = 42
deterministic = "on"
threads = 1
deps = [
  { path = "data/digits.csv", blake3 = "SUM", size = 123 },
]
params = [
  { key = "lr", value = 0.1 },
]
env = [
  { name = "A", value = "1" },
]
outs = [
  { path = "model", blake3 = "SUM", size = 1, files = 1 },
]
`

func TestParseErrors(t *testing.T) {
	tests := []struct {
		name     string
		old, new string // what is replaced in the example
		want     string // a part of the error
	}{
		{"newer version", "version = 1", "version = 2\nfoo = 1", "xt.lock:1: has version 2, this xt reads 1"},
		{"version zero", "version = 1", "version = 0", "xt.lock:1: version: 0 is no version"},
		{"version as text", "version = 1", `version = "1"`, "xt.lock:1: version: want an integer, not a string"},
		{"no version", "version = 1", "", "version: missing"},
		{"key at the top", "version = 1", "version = 1\nfoo = 1", "xt.lock:2: foo: unknown key"},
		{"unknown table", "[stage.train]", "[step.train]", "xt.lock:8: step.train: unknown table"},
		{"unknown key", "cmd =", "command =", "xt.lock:11: stage.train.command: unknown key"},
		{"no command", "cmd = \"python train.py\"\n", "", "xt.lock:8: stage.train: cmd is missing"},
		{"unknown key of an item", "files = 1", "file = 1", "xt.lock:26: stage.train.file: unknown key"},
		{"unknown how", `"executed"`, `"guessed"`, `xt.lock:10: stage.train.how: "guessed" is not one of`},
		{"list for text", `cmd = "python train.py"`, `cmd = ["python"]`, "xt.lock:11: stage.train.cmd: want a string, not a list"},
		{"float for integer", "size = 123\n", "size = 1.0\n", `xt.lock:5: data."data/digits.csv".size: want an integer, not a float`},
		{"negative size", "size = 123 ", "size = -1 ", "xt.lock:17: stage.train.size: -1 is less than 0"},
		{"short digest", `fingerprint = "SUM"`, `fingerprint = "af"`, "xt.lock:9: stage.train.fingerprint: digest"},
		{"zero digest", `fingerprint = "SUM"`, `fingerprint = "` + strings.Repeat("0", 64) + `"`, "the digest of nothing"},
		{"bad commit", "0123456789abcdef0123", "HEAD", "is no git commit"},
		{"bad determinism", `"on"`, `"yes"`, "is not one of off, on, warn"},
		{"threads", "threads = 1", "threads = 0", "0 is less than 1"},
		{"no size", `"SUM", size = 123 }`, `"SUM" }`, "xt.lock:17: stage.train.deps: size is missing"},
		{"parameter with a date", "value = 0.1", "value = 1979-05-27", "a date is no value"},
		{"parameter with a list of dates", "value = 0.1", "value = [1979-05-27]", "a date is no value"},
		{"parameter with two values", "value = 0.1", `value = 0.1, text = "null"`, "want value, or text"},
		{"parameter as text", "value = 0.1", `text = "0.1"`, "is not the spelling"},
		{"env unset", `{ name = "A", value = "1" }`, `{ name = "A", unset = true }`, "A cannot be unset"},
		{"variable's name", `name = "A"`, `name = "A=B"`, `"A=B" is no name of a variable`},
		{"rev without source", `how = "committed"`, `rev = "main"`, `data."data/digits.csv": source is missing`},
		{"rev of no repository", `how = "committed"`, "source = \"https://e.org/x\"\nrev = \"main\"", "source_path is missing"},
		{"repository without commit", `how = "committed"`, "source = \"https://e.org/x\"\nsource_path = \"a\"", "has a commit"},
		{"source path outside", `how = "committed"`, "source = \"https://e.org/x\"\nsource_path = \"../a\"", "leads out of the project"},
		{"bad commit of data", `how = "committed"`, "source = \"x\"\nsource_path = \"a\"\ncommit = \"main\"", "is no git commit"},
		{"directory and link", "files = 1", `files = 1, link = "x"`, "exclude each other"},
		{"wrong link", "files = 1", `link = "x"`, "not those of the link's target"},
		{"table for the project", `[data."data/digits.csv"]`, `[data."."]`, "the whole project"},
		{"output is the project", `"model"`, `"."`, "the whole project"},
		{"needless bytes", `cmd =`, `cmd_bytes =`, "not the spelling of text that is no UTF-8"},
		{"syntax", "size = 123\n", "size = \n", "xt.lock:5: "},
		{"key for a stage", "[stage.train]", "[stage]\nprepare = 1\n[stage.train]", "stage.prepare: want a table"},
		{"stage's name", "[stage.train]", `[stage."a\nb"]`, "is no name of a stage"},
		{"not UTF-8", "python", "\xff", "xt.lock:11: not valid UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(example, tt.old) {
				t.Fatalf("the example has no %q", tt.old)
			}
			text := strings.ReplaceAll(strings.Replace(example, tt.old, tt.new, 1), "SUM", digits)
			_, err := Parse("xt.lock", []byte(text))
			e, ok := errors.AsType[*Error](err)
			if !ok || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %s", err, tt.want)
			}
			if e.Hint == "" {
				t.Error("no hint")
			}
		})
	}
}

// TestParseMixed reads what git makes of two branches where it sees no conflict.
func TestParseMixed(t *testing.T) {
	tests := []struct{ name, old, new string }{
		{"stage twice", "[stage.train]", "[stage.train]\ncmd = \"\"\nhow = \"executed\"\n[stage.train]"},
		{"key twice", "threads = 1", "threads = 1\nthreads = 2"},
		{"key in both spellings", "cmd =", `cmd_bytes = "\\xff"` + "\ncmd ="},
		{"item twice", "outs = [", "outs = [\n{ path = \"model\", blake3 = \"SUM\", size = 1 },"},
		{"parameter twice", "params = [", "params = [\n{ key = \"lr\", value = 1 },"},
		{"variable twice", "env = [", "env = [\n{ name = \"A\", value = \"\" },"},
		{"variable set and unset", "env = [", "pass = [\n{ name = \"A\", value = \"\" },\n{ name = \"A\", unset = true },\n]\nenv = ["},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse("xt.lock", []byte(strings.ReplaceAll(strings.Replace(example, tt.old, tt.new, 1), "SUM", digits)))
			if err != nil {
				t.Fatal(err)
			}
			if s := f.Stages["train"]; s == nil || !s.Conflicted || !s.Fingerprint.IsZero() {
				t.Errorf("got %+v", s)
			}
		})
	}
	again := "\n[data.\"data/digits.csv\"]\nblake3 = \"SUM\"\nsize = 1\nhow = \"committed\"\n"
	f, err := Parse("xt.lock", []byte(strings.ReplaceAll(example+again, "SUM", digits)))
	if err != nil || !f.Data["data/digits.csv"].Conflicted || f.Stages["train"].Conflicted {
		t.Errorf("data twice: %v, %+v", err, f)
	}
	env := "\n[environment." + digits + "]\nos = \"linux\"\narch = \"x\"\n"
	f, err = Parse("xt.lock", []byte(strings.ReplaceAll(example+env, "SUM", digits)))
	if err != nil || len(f.Environments) != 0 {
		t.Errorf("mixed environment: %v, %+v", err, f)
	}
}

// TestParseByHand reads TOML that xt would never write.
func TestParseByHand(t *testing.T) {
	plain := strings.ReplaceAll(example, "SUM", digits)
	want, err := Parse("xt.lock", []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	byHand := strings.NewReplacer(
		"[stage.train]", "[ stage . 'train' ] # mine",
		`"python train.py"`, `'''python train.py'''`,
		"seed = 42", "seed = 0x2A",
		"value = 0.1", "value = 1e-1",
		"  { path", "\t{path",
		`[data."data/digits.csv"]`, "[data]\n[data.'data/digits.csv']",
	).Replace(plain)
	got, err := Parse("xt.lock", []byte(byHand))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestParseEmpty(t *testing.T) {
	for _, text := range []string{"", "\n \r\n"} {
		f, err := Parse("xt.lock", []byte(text))
		if err != nil || len(f.Stages) != 0 {
			t.Errorf("Parse(%q) = %v, %v", text, f, err)
		}
	}
}

// TestParseNesting would overflow the stack of a careless parser, which nothing
// can catch.
func TestParseNesting(t *testing.T) {
	const deep = 1 << 20
	for _, s := range []string{
		"x = " + strings.Repeat("[", deep),
		"x = " + strings.Repeat("{a=", deep),
		"x" + strings.Repeat(".a", deep) + " = 1",
		"[a" + strings.Repeat(".a", deep) + "]",
		"x = '''a''''\ny = " + strings.Repeat("[", deep),
		"x = [ '''a'''', " + strings.Repeat("[", deep),
		`x = "\"" # "` + "\ny = " + strings.Repeat("[\n", deep),
	} {
		if _, err := Parse("xt.lock", []byte("version = 1\n"+s)); err == nil {
			t.Errorf("%.20s… was accepted", s)
		}
	}
}

func TestCheckPath(t *testing.T) {
	good := []string{"a", "a/b", ".", "..a", "a..", "a b/ü", ".gitignore", ".github/x", "x.git", "-", "~", "caf\xe9", "a\nb", "[*]?"}
	for _, p := range good {
		if err := checkPath(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
	bad := []string{
		"", "/", "/a", "..", "../a", "a/../..", "a/../b", "./a", "a/", "a//b", `a\b`, `..\a`, "a\x00",
		".git", ".git/config", "a/.git/b", ".GIT/config", ".git./x", ".git /x", "git~1/x", ".git::$INDEX_ALLOCATION/x", ".g\u200cit/x",
		".xt", ".xt/cache/x", "a/.Xt",
	}
	for _, p := range bad {
		if checkPath(p) == nil {
			t.Errorf("%q was accepted", p)
		}
	}
}

// FuzzParse gives the parser any text. Whatever it accepts must be stable when
// written, and the two readers must agree.
func FuzzParse(f *testing.F) {
	f.Add([]byte(strings.ReplaceAll(example, "SUM", digits)))
	f.Add(wide(2).Encode())
	f.Add([]byte("version = 1\n<<<<<<< a\n[stage.a]\n||||||| b\n=======\n>>>>>>> c\n"))
	f.Add([]byte("version = 1\n[stage.a]\nhow = \"executed\"\ncmd_bytes = \"\\\\xff\"\nparams = [{ key = \"k\", text = \"[null, nan, { a = 1.0 }]\" }]\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		parsed, err := Parse("xt.lock", b)
		if err != nil {
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		text := parsed.Encode()
		again, err := Parse("xt.lock", text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if !bytes.Equal(again.Encode(), text) {
			t.Fatalf("not stable:\n%s", text)
		}
	})
}

// FuzzScan gives the reader of plain text anything: what it accepts, the TOML
// library has to read alike.
func FuzzScan(f *testing.F) {
	f.Add(strings.ReplaceAll(example, "SUM", digits))
	f.Add(string(wide(2).Encode()))
	f.Add("version = 1 # x\n[stage.\"a\\u00e9\"]\nhow = \"executed\"\ncmd = \"\"\nparams = [{ key = \"k\", value = [1, -0.0, inf, { a = true }] }]\n")
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "?")
		plain, ok := scanDocument(text)
		if !ok || hasTwice(plain) {
			return
		}
		doc, err := decodeDocument("xt.lock", text)
		if err != nil {
			t.Fatalf("the library refuses: %v", err)
		}
		a, errA := read("xt.lock", plain, false)
		b, errB := read("xt.lock", doc, false)
		if (errA == nil) != (errB == nil) {
			t.Fatalf("%v, but %v", errA, errB)
		}
		if d := cmp.Diff(a, b); d != "" {
			t.Fatal(d)
		}
	})
}

// hasTwice reports whether a table or a key is there twice.
func hasTwice(doc document) bool {
	seen := make(map[[2]string]bool)
	for _, sec := range doc.sections {
		id := [2]string{sec.kind, sec.name}
		if seen[id] || !distinctKeys(sec.fields) {
			return true
		}
		seen[id] = true
	}
	return false
}
