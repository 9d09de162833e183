package hash_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/xtrepro/xt/hash"
)

// ignoreWorld is a git repository with the same rules in .gitignore and
// .xtignore files, to see that both mean the same.
type ignoreWorld struct{ root string }

func newIgnoreWorld(t *testing.T, files []string) ignoreWorld {
	if _, err := exec.LookPath("git"); err != nil || runtime.GOOS == "windows" {
		t.Skip("needs git, and names that Windows refuses")
	}
	w := ignoreWorld{t.TempDir()}
	for _, f := range files {
		write(t, filepath.Join(w.root, f), "")
	}
	w.git(t, "init", "-q")
	return w
}

func (w ignoreWorld) git(t rapid.TB, args ...string) string {
	cmd := exec.Command("git", args...)
	cmd.Dir = w.root
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "XDG_CONFIG_HOME="+w.root)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// rules writes the ignore files of a directory.
func (w ignoreWorld) rules(t rapid.TB, dir, text string) {
	for _, name := range []string{".gitignore", hash.IgnoreFile} {
		if err := os.WriteFile(filepath.Join(w.root, dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// compare lists the files that git would add and those that xt would.
func (w ignoreWorld) compare(t rapid.TB) {
	want := strings.Split(w.git(t, "ls-files", "-z", "--others", "--exclude-standard"), "\x00")
	want = slices.DeleteFunc(want, func(p string) bool { return p == "" })
	slices.Sort(want)
	s := hash.Scanner{Root: w.root, Index: hash.OpenIndex("")}
	if _, err := s.Scan(context.Background(), "."); err != nil {
		t.Fatal(err)
	}
	got := listed(s.Index, ".", "")
	slices.Sort(got)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("git (-), xt (+):\n%s", diff)
	}
}

// listed returns the files that the index knows in the directory and below.
func listed(x *hash.Index, dir, prefix string) (files []string) {
	_, recs, _ := x.Dir(dir)
	for _, r := range recs {
		if p := prefix + r.Name; r.Node.Kind == hash.Directory {
			files = append(files, listed(x, p, p+"/")...)
		} else {
			files = append(files, p)
		}
	}
	return files
}

func TestIgnoreLikeGit(t *testing.T) {
	w := newIgnoreWorld(t, []string{
		"a", "b", "ab", "abc", "a.log", "keep.log", "#hash", "!bang", "tail ", "sp ace", `back\slash`, "[x]", "x", "-", "]",
		"dir/a", "dir/b", "dir/sub/a", "dir/sub/deep/a", "dir/sub/deep/keep.log", "build/out", "src/build/out", "src/a.log",
		"src/buildfile", "src/x/y/z/end", "end", "doc/frotz/a", "frotz/b", "é", "\xff",
	})
	for _, rules := range []string{
		"", "a", "/a", "*.log\n!keep.log", "build/", "/build/", "src/build", "dir/*\n!dir/sub", "dir/**\n!dir/sub/",
		"**/a", "dir/**/a", "dir/**", "**/deep/**", "**", "/**", "**/", "*", "*/", "/*\n!/src\n/src/*\n!/src/x",
		`\#hash`, "#hash", `\!bang`, "!bang", "*\n!*.log", "tail ", `tail\ `, "sp ace", `sp\ ace   `, "a   ", "a\t", "a\r\nb\r",
		"[ab]", "[!ab]", "[^ab]", "[a-c]bc", "[]]", "[]-]", "[[]x[]]", "[[:alpha:]]", "[[:alpha:]", "[[:nope:]]", "[a", "a[", `\`, `a\`,
		`back\\slash`, `back\slash`, "???", "?", "doc/frotz", "doc/frotz/", "frotz/", "/frotz", "frotz/b", "src/**/end", "**/end",
		"src/***/end", "a**", "**a", "a**/*", "s**/a", "dir/s**/a", "src**/end", "d***/a", "dir/s**b/a", "dir//a", "//a", "/", "//", "./a", "dir/", "!dir/", "dir\n!dir/a", "*\n!*/\n!a",
		"\uFEFFa", "\u00e9", "\xff", "src[/]a.log", `src\/a.log`, "[a-", "[z-a]", `[\]]`, `[a\-c]`, "dir/sub\n!dir/sub/deep", "*.l*g", "a*c",
	} {
		t.Run(rules, func(t *testing.T) {
			w.rules(t, ".", rules)
			w.compare(t)
		})
	}
}

func TestIgnoreLikeGitAtRandom(t *testing.T) {
	dirs := []string{".", "a", "a/b", "a/b/ab", "b"}
	var files []string
	for _, d := range dirs {
		for _, f := range []string{"f", "ab.c", "c", "-", "]", `\`} {
			files = append(files, d+"/"+f)
		}
	}
	w := newIgnoreWorld(t, files)
	piece := rapid.SampledFrom([]string{
		"a", "b", "c", "f", "ab", ".", "*", "**", "?", "/", "/", "[ab]", "[!a]", "[a-c]", "[", "]", "-", "!", "#", " ", `\`, "[[:alpha:]]",
	})
	line := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(piece, 1, 5).Draw(t, "pieces"), "")
	}).Filter(func(line string) bool {
		return !strings.Contains(line, `\/`) // to git, "**" before it does not stand for no directory
	})
	rapid.Check(t, func(t *rapid.T) {
		for _, dir := range dirs {
			lines := rapid.SliceOfN(line, 0, 3).Draw(t, "rules")
			w.rules(t, dir, strings.Join(lines, "\n"))
		}
		w.compare(t)
	})
}

func TestIgnoreDefaults(t *testing.T) {
	root := t.TempDir()
	for _, f := range []string{
		"d/.git/config", "d/.GIT/config", "d/.xt/cache/x", "d/sub/.git", "d/.gitignore", "d/a.py", "d/a.pyc",
		"d/__pycache__/a", "d/.ipynb_checkpoints/a", "d/back/a.pyc", "d/back/__pycache__/b",
	} {
		write(t, filepath.Join(root, f), "")
	}
	write(t, filepath.Join(root, "d/back", hash.IgnoreFile), "!*.pyc\n!__pycache__/\n!.git\n")
	s := newScanner(root)
	scan(t, s, "d")
	want := []string{".gitignore", "a.py", "back/.xtignore", "back/__pycache__/b", "back/a.pyc"}
	if diff := cmp.Diff(want, under(s.Index, "d")); diff != "" {
		t.Error(diff)
	}
}

func under(x *hash.Index, dir string) []string {
	files := listed(x, dir, dir+"/")
	for i := range files {
		files[i] = strings.TrimPrefix(files[i], dir+"/")
	}
	return files
}

// TestIgnoreChanges sees that a rule changes the result though no file in the
// directory changed, and that the rules above hold for a path below.
func TestIgnoreChanges(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "d/sub/a"), "1")
	write(t, filepath.Join(root, "d/sub/b"), "2")
	s := newScanner(root)
	whole := scan(t, s, "d/sub")
	write(t, filepath.Join(root, hash.IgnoreFile), "/d/*/a\n")
	if n := scan(t, s, "d/sub"); n.Files != 1 {
		t.Errorf("%d files, want b only", n.Files)
	}
	must(t, os.Remove(filepath.Join(root, hash.IgnoreFile)))
	write(t, filepath.Join(root, "d", hash.IgnoreFile), "sub\n")
	if scan(t, s, "d/sub") != whole {
		t.Error("a path that is asked for is ignored itself")
	}
}

func FuzzIgnore(f *testing.F) {
	f.Add("a\n!b/\n/c/**/d\n[a-z]*\\ \n", "a", "b")
	f.Fuzz(func(t *testing.T, rules, dir, name string) {
		hash.Ignores(rules, strings.Split(dir, "/"), name)
	})
}
