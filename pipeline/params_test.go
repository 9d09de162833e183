package pipeline

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// TestYAML checks that scalars are those of YAML 1.2, whatever a parser of 1.1
// would make of them.
func TestYAML(t *testing.T) {
	for _, c := range []struct {
		text string
		want any
	}{
		{"yes", "yes"}, {"no", "no"}, {"on", "on"}, {"y", "y"}, {"True", true}, {"false", false}, {"TRUE", true},
		{"010", int64(10)}, {"0o10", int64(8)}, {"0x1F", int64(31)}, {"0b11", "0b11"}, {"1_000", "1_000"}, {"+12", int64(12)}, {"-3", int64(-3)},
		{"1e-5", 1e-5}, {"1.", 1.0}, {".5", 0.5}, {"1e3", 1000.0}, {".inf", math.Inf(1)}, {"-.inf", math.Inf(-1)}, {"1.2.3", "1.2.3"},
		{"2020-01-02", "2020-01-02"}, {"12:30:45", "12:30:45"}, {"2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z"},
		{"~", nil}, {"null", nil}, {"", nil}, {"nil", "nil"}, {`"010"`, "010"}, {"'true'", "true"}, {`"a\tb\u00e9"`, "a\tbé"},
		{"[1, a, [true]]", []any{int64(1), "a", []any{true}}}, {"{b: 1, c: {d: e}}", map[string]any{"b": int64(1), "c": map[string]any{"d": "e"}}},
		{"!!str 12", "12"}, {"!!int 12", int64(12)}, {"[]", []any{}}, {"{}", map[string]any{}},
		{"|\n  one\n  two\n", "one\ntwo\n"}, {">-\n  one\n  two\n", "one two"}, {"\n  - 1\n  - b: 2\n    c: 3", []any{int64(1), map[string]any{"b": int64(2), "c": int64(3)}}},
		{"s3://bucket/x", "s3://bucket/x"}, {"a b c", "a b c"}, {"'it''s'", "it's"},
	} {
		got, err := decodeYAML([]byte("a: " + c.text + "\n"))
		if err != nil || !reflect.DeepEqual(got, map[string]any{"a": c.want}) {
			t.Errorf("%q: got %#v %v, want %#v", c.text, got["a"], err, c.want)
		}
	}
	for text, want := range map[string]map[string]any{
		"": {}, "# c\n": {}, "---\na: 1\n": {"a": int64(1)}, "%YAML 1.2\n---\na: 1\n...\n": {"a": int64(1)},
		"1: a\ntrue: b\n": {"1": "a", "true": "b"},
		"d: &d {x: 1, y: 2}\ne:\n  <<: *d\n  y: 3\n": {"d": map[string]any{"x": int64(1), "y": int64(2)}, "e": map[string]any{"x": int64(1), "y": int64(3)}},
		"a: &x 5\nb: *x\n":                           {"a": int64(5), "b": int64(5)},
		"\ufeffa: 1\r\nb: 2\r\n":                     {"a": int64(1), "b": int64(2)},
	} {
		if got, err := decodeParams("p.yaml", []byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v %v, want %v", text, got, err, want)
		}
	}
}

// TestFormatsAgree checks that the same values in the three formats are the
// same parameters.
func TestFormatsAgree(t *testing.T) {
	toml := "lr = 0.1\nn = 3\nbig = 1e6\non = true\nname = \"x\"\nlist = [1, \"a\"]\n[t.u]\nv = -1\n"
	json := `{"lr": 0.1, "n": 3, "big": 1e6, "on": true, "name": "x", "list": [1, "a"], "t": {"u": {"v": -1}}}`
	yaml := "lr: 0.1\nn: 3\nbig: 1e6\non: true\nname: x\nlist: [1, a]\nt:\n  u:\n    v: -1\n"
	want, err := decodeParams("p.toml", []byte(toml))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"p.json": json, "p.yaml": yaml, "p.YML": yaml} {
		if got, err := decodeParams(name, []byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v %v, want %v", name, got, err, want)
		}
	}
}

// TestHostileParams checks that files made to exhaust the reader do not.
func TestHostileParams(t *testing.T) {
	const n = 100_000
	for name, text := range map[string]string{
		"brackets.yaml": "a: " + strings.Repeat("[", n), "braces.yaml": strings.Repeat("{", n), "maps.yaml": strings.Repeat("{a: ", n), "dashes.yaml": strings.Repeat("- ", n), "asks.yaml": strings.Repeat("? ", n),
		"anchors.yaml": "a: " + strings.Repeat("&a ", n), "tags.yaml": "a: " + strings.Repeat("!!str ", n), "keys.yaml": strings.Repeat("a: ", n), "aliases.yaml": "a: " + strings.Repeat("*a ", n),
		"stairs.yaml": stairs(700), "quotes.yaml": "a: " + strings.Repeat("'", n+1), "deep.json": strings.Repeat(`{"a":`, n), "list.json": strings.Repeat("[", n), "deep.toml": "a = " + strings.Repeat("[", n), "dots.toml": strings.Repeat("a.", n) + "b = 1",
		"huge.yaml": strings.Repeat("#", maxParamsSize+1), "nul.yaml": "a: \x00", "many.yaml": strings.Repeat("a: 1\n", n), "bytes.json": "{\"a\": \"\xff\"}", "latin.yaml": "a: \xe9",
	} {
		_, err := decodeParams(name, []byte(text))
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func stairs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestStageParams(t *testing.T) {
	g := load(t, files{
		"xt.toml": `
[params]
files = ["params.yaml"]
lr = 0.1
[stage.a]
cmd = "x ${train.n} ${lr}"
params = ["train.n", "train", "lr", "conf/c.json:a.b[1]", "conf/d.toml", "lr", "params.yaml:train"]
`,
		"params.yaml": "train:\n  n: 3\n", "conf/c.json": `{"a": {"b": [1, 2.5]}}`, "conf/d.toml": "x = 1",
	})
	var got []string
	for _, p := range g.Stages[0].Params {
		got = append(got, fmt.Sprintf("%s:%s=%v", p.File, p.Key, p.Value))
	}
	want := ":lr=0.1 conf/c.json:a.b[1]=2.5 conf/d.toml:=map[x:1] params.yaml:train=map[n:3] params.yaml:train.n=3"
	if strings.Join(got, " ") != want || g.Stages[0].Cmd != "x 3 0.1" {
		t.Errorf("got %v, cmd %s", got, g.Stages[0].Cmd)
	}
}

func TestOverrides(t *testing.T) {
	project := files{
		"xt.toml": "[params]\nfiles = [\"p.yaml\"]\nlr = 0.1\nname = \"x\"\nl = [1, 2]\n[stage.a]\ncmd = \"${lr} ${name} ${l} ${n} ${t.u}\"\nparams = [\"lr\", \"p.yaml\", \"q.json:z\"]\n",
		"p.yaml":  "n: 1\nt: {u: 2}\n", "q.json": `{"z": null}`,
	}
	overrides := parseOverrides(t, "lr=1\nname=5 apples\nl[1]=7\nn=9\np.yaml:t.u=10\nq.json:z=text")
	g, err := Load(project, overrides...)
	if err != nil {
		t.Fatal(told(err))
	}
	s := g.Stages[0]
	if want := "1.0 5 apples 1 7 9 10"; s.Cmd != want {
		t.Errorf("cmd is %s, want %s", s.Cmd, want)
	}
	if got, want := fmt.Sprint(s.Params), "[{ lr 1} {p.yaml  map[n:9 t:map[u:10]]} {q.json z text}]"; got != want {
		t.Errorf("params are %s, want %s", got, want)
	}
	if got := fmt.Sprint(g.Config.Params); got != "map[l:[1 7] lr:1 name:5 apples]" {
		t.Errorf("[params] is %s", got)
	}
	if g.Overrides[3].File != "p.yaml" || g.Overrides[0].File != "" {
		t.Errorf("overrides are %+v", g.Overrides)
	}
}

func TestParseOverride(t *testing.T) {
	for _, c := range []struct {
		in, file, key string
		value         any
	}{
		{"lr=0.1", "", "lr", 0.1}, {"a.b=3", "", "a.b", int64(3)}, {"p.yaml:a=true", "p.yaml", "a", true}, {"a=", "", "a", ""}, {"a=x=y", "", "a", "x=y"},
		{`a="3"`, "", "a", "3"}, {"a=[1, 2]", "", "a", []any{int64(1), int64(2)}}, {"a=1 # c", "", "a", int64(1)}, {"a=1\nb = 2", "", "a", "1\nb = 2"}, {"a={b=1}", "", "a", map[string]any{"b": int64(1)}},
		{"a=hello world", "", "a", "hello world"}, {"a=s3://x", "", "a", "s3://x"},
	} {
		o, err := ParseOverride(c.in)
		if err != nil || o.File != c.file || o.Key != c.key || !reflect.DeepEqual(o.Value, c.value) {
			t.Errorf("%q: got %+v %v", c.in, o, err)
		}
	}
	for _, bad := range []string{"", "lr", "=1", "a b=1", "a..b=1", "x:y=1"} {
		if o, err := ParseOverride(bad); err == nil {
			t.Errorf("%q is taken for %+v", bad, o)
		}
	}
}
