package tomldoc

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestSyntaxErrors reads testdata/syntax.txtar: each file is a broken text, and
// "name.want" is what is said about it.
func TestSyntaxErrors(t *testing.T) {
	const name = "testdata/syntax.txtar"
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(a.Files); i += 2 {
		in, want := a.Files[i], &a.Files[i+1]
		text := strings.ReplaceAll(strings.TrimSuffix(string(in.Data), "\n"), "<CR>", "\r")
		_, err := Parse([]byte(text))
		var se *SyntaxError
		got := "fine\n"
		if errors.As(err, &se) {
			got = fmt.Sprintf("%s\n%s\n", se, se.Hint)
		}
		if got != string(want.Data) && os.Getenv("UPDATE") == "" {
			t.Errorf("%s:\n%s\ngot:\n%swant:\n%s", in.Name, in.Data, got, want.Data)
		}
		want.Data = []byte(got)
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPositions(t *testing.T) {
	text := "\ufeff# é\r\n[stage.\"a b\"]\r\ncmd = '''\r\nx'''\r\n  outs = [\"é\", { path = 'p' }] # c\n[[x]]\n[x.y]\nd.e = 2020-01-02 03:04:05\n"
	doc, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	at := func(n *Node) string {
		kl, kc := doc.Pos(n.KeyAt)
		l, c := doc.Pos(n.At)
		return fmt.Sprintf("%d:%d %d:%d", kl, kc, l, c)
	}
	stage := doc.Root.Get("stage").Get("a b")
	outs := stage.Get("outs")
	date := doc.Root.Get("x").Items[0].Get("y").Get("d").Get("e")
	for _, c := range []struct{ what, got, want string }{
		{"stage", at(stage), "2:1 2:1"},
		{"cmd", at(stage.Get("cmd")), "3:1 3:7"},
		{"outs", at(outs), "5:3 5:10"},
		{"second out", at(outs.Items[1]), "5:16 5:16"},
		{"its path", at(outs.Items[1].Get("path")), "5:18 5:25"},
		{"date", at(date), "8:1 8:7"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, c.got, c.want)
		}
	}
	if date.Kind != Date || date.Value != "2020-01-02 03:04:05" {
		t.Errorf("date is %v", date.Value)
	}
}

// What most files are made of is not left to the parser.
func TestPlain(t *testing.T) {
	for text, want := range map[string]bool{
		"":                                       true,
		"# é\n[a]\nb = 1 # c\n[a.c-1]\n":         true,
		"a = [\n  \"x\", # c\n  { b = 1.5 },\n]": true,
		"a = 'x\\y'\r\nb = -1e-3\r\n":            true,
		"a = \"x\\ty\"":                          false,
		"a = \"\"\"x\"\"\"":                      false,
		"a.b = 1":                                false,
		"\"a\" = 1":                              false,
		"[[a]]":                                  false,
		"a = 1979-05-27":                         false,
		"a = 1_000":                              false,
		"a = {b = 1,}":                           false,
	} {
		s := &scanner{src: text, root: &Node{Kind: Table}}
		s.scan()
		if s.plain() != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "[stage.s%d]\ncmd = \"make %d\"\ndeps = [\"a/%d\", \"b/%d\"]\nouts = [\"c/%d\"]\nseed = %d\n\n", i, i, i, i, i, i)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse([]byte(text.String())); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzParse checks that nothing makes the reader panic, that errors stand
// within the text, and that the scanner sees what the parser sees.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"a = 1", "[a.b]\nc = \"x\\u00e9\" # é", "[[a]]\nb = [1, [2, {c = 'd'}]]", "a = \"\"\"x\"\"\"\"\"", "a.'b'.\"c\" = 1979-05-27 07:32:00",
		"a = {b = 1,\n}", "\ufeffa = inf\r\n", "[a]\n[a.b]\n[[a.c]]\n[a.c.d]\ne=1", "[a.b]\n[a]\nc=1", "a = [\n# x ]\n]", strings.Repeat("[", 100),
		"[a-1]\r\nb = true # c\r\n[A_2.c]\nd = [-1, 0.5, 1e-3, \"x\", 'y', ]\ne = { f = 0, g = [] }", "a = 1 b = 2", "[a] b = 1", "a = 01\nb = 1.\nc = -",
		"a = \"x\" b = 1", "a = {b = 1}\n[a.c]", "a = [{}]\n[a.b]", "[a.b]\n[a]\nb = 1", "a = 1e400\nb = 9223372036854775808", "a = {b = 1,}", "a = \"\x7f\"", "a = 1\r",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(checkParse)
}

// TestScannerIsNoLaxer makes texts of what TOML is made of, in any order: few
// of them are valid, and none may be taken for that.
func TestScannerIsNoLaxer(t *testing.T) {
	pieces := []string{"[", "]", "{", "}", "a", "b", "[a]\n", "[a.b]\n", "a=", "b = ", "1", "0", "-", ".", "e", "true", "\"x\"", "'y'", "\"", ",", ", ", " ", "\n", "\n", "\r", "# c", "a = 1\n", "b = {a = 1}\n", "c = [1, 2]\n"}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		var text []byte
		for range 1 + rng.IntN(10) {
			text = append(text, pieces[rng.IntN(len(pieces))]...)
		}
		checkParse(t, text)
	}
}

func checkParse(t *testing.T, b []byte) {
	doc, err := Parse(b)
	if err != nil {
		checkSyntaxError(t, b, err)
		return
	}
	var want map[string]any
	if _, err := toml.Decode(doc.Text, &want); err != nil {
		t.Fatalf("%q: %v", b, err)
	}
	if len(want) > 0 && !reflect.DeepEqual(plainOf(doc.Root), shape(any(want))) {
		t.Fatalf("%q: got %v, want %v", b, doc.Root.Plain(), want)
	}
	checkNode(t, doc, doc.Root, true)
}

// shape writes each scalar as text, each date as nothing, and makes each list of
// one type.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, e := range v {
			m[k] = shape(e)
		}
		return m
	case []map[string]any:
		l := []any{}
		for _, e := range v {
			l = append(l, shape(e))
		}
		return l
	case []any:
		l := []any{}
		for _, e := range v {
			l = append(l, shape(e))
		}
		return l
	case time.Time:
		return nil
	}
	return fmt.Sprintf("%T %v", v, v)
}

// plainOf returns what shape returns of the values of a node.
func plainOf(n *Node) any {
	switch n.Kind {
	case Date:
		return nil
	case Table:
		m := map[string]any{}
		for _, c := range n.Keys {
			m[c.Key] = plainOf(c)
		}
		return m
	case List:
		l := []any{}
		for _, c := range n.Items {
			l = append(l, plainOf(c))
		}
		return l
	}
	kind := map[Kind]string{String: "string", Integer: "int64", Float: "float64", Boolean: "bool"}[n.Kind]
	return fmt.Sprintf("%s %v", kind, n.Value)
}

func checkSyntaxError(t *testing.T, b []byte, err error) {
	var se *SyntaxError
	if !errors.As(err, &se) {
		t.Fatalf("%T: %v", err, err)
	}
	lines := strings.Split(string(b), "\n")
	if se.Line < 1 || se.Line > len(lines) || se.Col < 1 || se.Col > len(lines[se.Line-1])+1 || se.Msg == "" {
		t.Fatalf("%v is not in %q", err, b)
	}
}

// checkNode looks for nodes that the scanner missed: they stand where their
// table does.
func checkNode(t *testing.T, doc *Doc, n *Node, root bool) {
	if n.At < 0 || n.End < n.At || n.End > len(doc.Text) || n.KeyAt > n.At {
		t.Fatalf("node %q stands at %d, %d, %d of %d", n.Key, n.KeyAt, n.At, n.End, len(doc.Text))
	}
	if n.Kind != Table && n.Kind != List && n.End == n.At {
		t.Fatalf("no position for %q in %q", n.Key, doc.Text)
	}
	for _, c := range append(n.Keys, n.Items...) {
		checkNode(t, doc, c, false)
	}
}
