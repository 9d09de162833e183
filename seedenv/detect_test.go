package seedenv

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func code(name, text string) CodeFile {
	return CodeFile{name, func() ([]byte, error) { return []byte(text), nil }}
}

func TestUsesPython(t *testing.T) {
	bin := t.TempDir()
	write(t, filepath.Join(bin, "tool"), "#!/opt/venv/bin/python3\nimport x\n")
	write(t, filepath.Join(bin, "wrapper"), "#!/bin/sh\nexec python3 x.py\n")
	write(t, filepath.Join(bin, "plain"), "#!/bin/sh\necho\n")
	write(t, filepath.Join(bin, "cp"), "\x7fELF\x00\x00")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "run.sh"), "#!/bin/sh\npython train.py\n")
	environ := []string{"PATH=" + bin}
	tests := []struct {
		cmd  string
		code []CodeFile
		want bool
	}{
		{"python train.py", nil, true},
		{"/opt/py/bin/python3.11 -m x", nil, true},
		{".venv/bin/python x", nil, true},
		{"pypy3 x", nil, true},
		{"${PYTHON:-python3} x", nil, true},
		{"torchrun --nproc 2 x", nil, true},
		{"cp a b && uv run x", nil, true},
		{"jupyter nbconvert a.ipynb", nil, true},
		{"./prepare.py", nil, true},
		{"cp a b", nil, false},
		{"LANG=C cp a b | cp c d; cp e f", nil, false},
		{"echo done > out.txt", nil, false},
		{"for i in 1 2; do cp $i b; done", nil, false},
		{"tool --fast", nil, true},
		{"wrapper", nil, true},
		{"plain", nil, false},
		{"./run.sh", nil, true},
		{"nowhere-to-be-found", nil, true},
		{"make all", nil, true},
		{"make all", []CodeFile{code("Makefile", "all:\n\tcc -o a a.c\n")}, false},
		{"make all", []CodeFile{code("Makefile", "all:\n\tpython a.py\n")}, true},
		{"sh run.sh", []CodeFile{code("run.sh", "cp a b\n")}, false},
		{"sh run.sh", []CodeFile{code("run.sh", ". venv/bin/activate; pytest\n")}, true},
		{"cp a b", []CodeFile{code("src/net.py", "")}, true},
		{"cp a b", []CodeFile{code("main.c", "// not python")}, false},
		{"sh x", []CodeFile{{"x.sh", func() ([]byte, error) { return nil, errors.New("no") }}}, true},
	}
	var d Detector
	for _, test := range tests {
		if got := d.UsesPython(test.cmd, dir, environ, test.code); got != test.want {
			t.Errorf("%q: %v, want %v", test.cmd, got, test.want)
		}
	}
}

func TestFindPython(t *testing.T) {
	bin, other, dir := t.TempDir(), t.TempDir(), t.TempDir()
	for _, name := range []string{"python3", "python3.9"} {
		write(t, filepath.Join(bin, name), "")
	}
	write(t, filepath.Join(other, "python"), "")
	write(t, filepath.Join(dir, ".venv/bin/python"), "")
	write(t, filepath.Join(bin, "pytest"), "#!"+filepath.Join(other, "python")+"\n")
	write(t, filepath.Join(bin, "tool"), "#!/usr/bin/env -S python3.9 -u\n")
	environ := []string{"PATH=" + bin + string(filepath.ListSeparator) + other}
	for cmd, want := range map[string]string{
		"python train.py":                     filepath.Join(other, "python"),
		"python3.9 train.py":                  filepath.Join(bin, "python3.9"),
		"cp a b; .venv/bin/python x":          filepath.Join(dir, ".venv/bin/python"),
		"OMP=1 'python' x":                    filepath.Join(other, "python"),
		"pytest -q":                           filepath.Join(other, "python"),
		"time tool":                           filepath.Join(bin, "python3.9"),
		"make":                                filepath.Join(bin, "python3"),
		"cp $(python3.9 -c 'print()') b":      filepath.Join(bin, "python3.9"),
		"cat python3.9.txt":                   filepath.Join(bin, "python3"),
		filepath.Join(other, "python") + " a": filepath.Join(other, "python"),
	} {
		if got, err := FindPython(cmd, dir, environ); err != nil || got != want {
			t.Errorf("%q: %s, %v, want %s", cmd, got, err, want)
		}
	}
	var missing *MissingError
	if _, err := FindPython("python x", dir, []string{"PATH=/nowhere"}); !errors.As(err, &missing) {
		t.Errorf("no Python: %v", err)
	}
}

func TestSplitWords(t *testing.T) {
	for script, want := range map[string]string{
		`a b`:              "A b",
		`a 'b c' "d;e"`:    "A b c d;e",
		"a # b\nc":         "A C",
		"a \\\n  b":        "A b",
		`X=1 a b | c&&d`:   "X=1 A b C D",
		`if a; then b; fi`: "IF A THEN B FI",
		`echo "$(a b)" x`:  "ECHO A b x",
		"echo `a` ${b} $c": "ECHO A ${b} $c",
		`a>b 2>&1`:         "A b 2 1",
		`a "unterminated`:  "A unterminated",
		`a \`:              `A \`,
	} {
		var got []string
		for _, w := range splitWords(script) {
			text := w.text
			if w.first && !isAssignment(text) {
				text = strings.ToUpper(text)
			}
			got = append(got, text)
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%q: %q, want %q", script, text, want)
		}
	}
}

func TestSplitWordsFindsEveryQuotedWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[ -&(-~]+`), 1, 5).Draw(t, "words")
		var got []string
		for _, w := range splitWords("'" + strings.Join(words, "' '") + "'") {
			got = append(got, w.text)
		}
		if !slices.Equal(got, words) {
			t.Fatalf("%q, want %q", got, words)
		}
	})
}

func FuzzSplitWords(f *testing.F) {
	f.Add("a 'b' \"c $(d)\" # e\n f\\")
	f.Fuzz(func(t *testing.T, script string) {
		for _, w := range splitWords(script) {
			if len(w.text) > len(script) {
				t.Fatalf("%q is longer than the script", w.text)
			}
		}
	})
}
