package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// files is a [Source] in memory.
type files map[string]string

func (f files) ReadFile(name string) ([]byte, error) {
	text, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(text), nil
}

// told prints what Load says as xt does.
func told(err error) string {
	if err == nil {
		return "fine\n"
	}
	var all *ConfigErrors
	if !errors.As(err, &all) {
		return fmt.Sprintf("%T: %v\n", err, err)
	}
	var b strings.Builder
	for _, e := range all.List {
		fmt.Fprintf(&b, "error: %s\n", e)
		if e.Hint != "" {
			fmt.Fprintf(&b, "hint: %s\n", e.Hint)
		}
	}
	if all.More > 0 {
		fmt.Fprintf(&b, "and %d more\n", all.More)
	}
	return b.String()
}

// TestMistakes reads testdata/errors: a file "case/want" holds what is said
// about the files of the case before it. UPDATE=1 rewrites the answers.
func TestMistakes(t *testing.T) {
	archives, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range archives {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		project := files{}
		var overrides []Override
		for i := range a.Files {
			f := &a.Files[i]
			if path.Base(f.Name) != "want" {
				project[path.Join(strings.Split(f.Name, "/")[1:]...)] = string(f.Data)
				continue
			}
			if set, ok := project["set"]; ok {
				overrides = parseOverrides(t, set)
			}
			t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar")+"/"+path.Dir(f.Name), func(t *testing.T) {
				_, err := Load(project, overrides...)
				got := told(err)
				if got != string(f.Data) && os.Getenv("UPDATE") == "" {
					t.Errorf("got:\n%swant:\n%s", got, f.Data)
				}
				f.Data = []byte(got)
			})
			project, overrides = files{}, nil
		}
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func parseOverrides(t *testing.T, text string) []Override {
	var all []Override
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		o, err := ParseOverride(line)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

func TestMissingConfig(t *testing.T) {
	_, err := Load(Dir(t.TempDir()))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if want := "error: xt.toml: there is no such file\nhint: xt init makes one\n"; told(err) != want {
		t.Errorf("got %q", told(err))
	}
}

func TestOddEncodings(t *testing.T) {
	stage := "[stage.a]\r\ncmd = \"x\"\r\n"
	for _, c := range []struct{ what, text, want string }{
		{"empty", "", "fine\n"},
		{"only blanks", "\n \n# c", "fine\n"},
		{"byte order mark", "\ufeff" + stage, "fine\n"},
		{"CRLF", stage + "outz = 'x'\r\n", "error: xt.toml:3:1: stage \"a\": unknown key \"outz\"\nhint: did you mean \"outs\"?\n"},
		{"Latin-1", "[stage.a]\ncmd = \"gr\xf6n\"\n", "error: xt.toml:2:10: byte 0xf6 is not UTF-8\nhint: save the file as UTF-8\n"},
		{"UTF-16", "\xff\xfe[\x00s\x00", "error: xt.toml:1:1: the file is UTF-16, but TOML is UTF-8\nhint: save it as UTF-8; PowerShell's > writes UTF-16, Set-Content -Encoding utf8 does not\n"},
		{"deep", "a = " + strings.Repeat("[", 1<<20), "error: xt.toml:1:69: nested too deep\nhint: tables and lists can be nested 64 deep\n"},
		{"huge", strings.Repeat("#", maxConfigSize+1), "error: xt.toml: the file is larger than 16 MiB\n"},
	} {
		if _, err := Load(files{"xt.toml": c.text}); told(err) != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.what, told(err), c.want)
		}
	}
}

func TestManyMistakes(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "[stage.s%d]\ncmdd = 1\n", i)
	}
	_, err := Load(files{"xt.toml": b.String()})
	var all *ConfigErrors
	if !errors.As(err, &all) || len(all.List) != 20 || all.More != 980 || all.List[0].Pos.Line != 2 || all.List[19].Pos.Line != 40 {
		t.Errorf("got\n%s", told(err))
	}
}

// TestSource checks that a symlink does not lead out of the project, and that
// what is no file is not waited for.
func TestSource(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("x = 1"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "xt.toml")); err != nil {
		t.Skip(err)
	}
	if b, err := Dir(dir).ReadFile("xt.toml"); err == nil {
		t.Errorf("read %q outside", b)
	}
	for _, name := range []string{"../secret", ".", "/etc/passwd"} {
		if b, err := Dir(dir).ReadFile(name); err == nil {
			t.Errorf("read %s: %q", name, b)
		}
	}
}

// TestThousandStages is a rough guard against anything quadratic.
func TestThousandStages(t *testing.T) {
	project := files{"xt.toml": bigConfig(3000)}
	g, err := Load(project)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Stages) != 3000 || len(g.Upstream(g.Stages[2999])) != 1 {
		t.Errorf("%d stages", len(g.Stages))
	}
}

func BenchmarkLoad(b *testing.B) {
	project := files{"xt.toml": bigConfig(1000)}
	b.SetBytes(int64(len(project["xt.toml"])))
	for b.Loop() {
		if _, err := Load(project); err != nil {
			b.Fatal(err)
		}
	}
}

// bigConfig is a chain of stages.
func bigConfig(n int) string {
	var b strings.Builder
	b.WriteString("[params]\nlr = 0.1\n")
	for i := range n {
		fmt.Fprintf(&b, "[stage.s%d]\ncmd = \"python src/s%d.py --lr ${lr}\"\ncode = [\"src/s%d.py\"]\ndeps = [\"data/in.csv\", \"build/%d/out\"]\nouts = [\"build/%d/out\"]\nmetrics = [\"build/%d/m.json\"]\nparams = [\"lr\"]\n", i, i, i, i-1, i, i)
	}
	return b.String()
}
