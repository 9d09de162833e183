package pipeline

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// addCases seeds a fuzz test with the files of the other tests.
func addCases(f *testing.F) {
	archives, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		a, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if strings.HasSuffix(file.Name, "/xt.toml") {
				f.Add(string(file.Data), "a: 1\nb: [1, {c: d}]\n")
			}
			if strings.Contains(file.Name, "/p.") {
				f.Add("[params]\nfiles = [\"p.yaml\", \"q.json\"]\n[stage.a]\ncmd = \"${a} ${b}\"\nparams = [\"b[1].c\", \"r.toml\"]\n", string(file.Data))
			}
		}
	}
}

// FuzzLoad checks that no file makes the reader panic, that errors stand within
// the files, and that what is taken keeps its promises.
func FuzzLoad(f *testing.F) {
	addCases(f)
	f.Fuzz(func(t *testing.T, config, params string) {
		project := files{"xt.toml": config, "p.yaml": params, "q.json": params, "r.toml": params}
		g, err := Load(project)
		var all *ConfigErrors
		switch {
		case errors.As(err, &all):
			for _, e := range all.List {
				checkPosition(t, project, e)
			}
		case err != nil:
			t.Fatalf("%T: %v", err, err)
		default:
			checkGraph(t, g)
		}
	})
}

func checkPosition(t *testing.T, project files, e *ConfigError) {
	t.Helper()
	text, ok := project[e.Pos.File]
	lines := strings.Split(text, "\n")
	if !ok || e.Pos.Line < 1 || e.Pos.Line > len(lines)+1 {
		t.Fatalf("%v is not in the file", e)
	}
	if e.Pos.Line <= len(lines) && (e.Pos.Col < 1 || e.Pos.Col > len(lines[e.Pos.Line-1])+1) {
		t.Fatalf("%v is not in the line %q", e, lines[e.Pos.Line-1])
	}
}

func checkGraph(t *testing.T, g *Graph) {
	t.Helper()
	seen := map[*Stage]bool{}
	for _, s := range g.Stages {
		for _, up := range g.Upstream(s) {
			if !seen[up] {
				t.Fatalf("%s comes before %s", s.Name, up.Name)
			}
		}
		seen[s] = true
		if s.Cmd == "" || len(s.Shell) == 0 || g.Stage(s.Name) != s {
			t.Fatalf("stage %+v", s)
		}
		for _, p := range append(append(outPaths(s), s.Code...), s.Deps...) {
			if clean, msg, _ := cleanPath(".", p); msg != "" || clean != p {
				t.Fatalf("path %q of %s: %s", p, s.Name, msg)
			}
		}
	}
}

// FuzzParams looks at params files of each format on their own, which gets
// deeper than by way of xt.toml.
func FuzzParams(f *testing.F) {
	for _, s := range []string{"a: &x [1, {b: c}]\nd: *x\n<<: {e: f}\n", "{\"a\": [1, 2.5e3, null]}", "a = 1\n[b]\nc = ['d']", "? a\n: - b\n  - |\n    c\n", "a: !!str 1\n---\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"p.yaml", "p.json", "p.toml"} {
			_, err := decodeParams(name, []byte(text))
			var pe *paramsError
			if err != nil && !errors.As(err, &pe) {
				t.Fatalf("%s: %T %v", name, err, err)
			}
			if pe != nil {
				pe.within([]byte(text))
				checkPosition(t, files{name: text}, &ConfigError{Pos: Position{name, pe.line, pe.col}, Msg: pe.msg})
			}
		}
	})
}
