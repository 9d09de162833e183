package git

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// newRepo makes a repository with one commit, and a function that runs git in it.
func newRepo(t *testing.T) (dir string, git func(args ...string)) {
	t.Helper()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_SYSTEM", os.DevNull)
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+who+"_NAME", "A")
		t.Setenv("GIT_"+who+"_EMAIL", "a@example.org")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	git = func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q", "-b", "main")
	return dir, git
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string) *Repo {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// bothWays runs a test with go-git and, as for a repository that it cannot
// open, with the git command alone.
func bothWays(t *testing.T, dir string, f func(t *testing.T, r *Repo)) {
	t.Run("go-git", func(t *testing.T) {
		r := open(t, dir)
		if r.repo == nil {
			t.Fatal("go-git could not open the repository")
		}
		f(t, r)
	})
	t.Run("command", func(t *testing.T) {
		r := open(t, dir)
		r.repo = nil
		f(t, r)
	})
}

func TestOpenWithoutRepository(t *testing.T) {
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNoRepository) {
		t.Errorf("got %v", err)
	}
}

func TestHeadWithoutCommits(t *testing.T) {
	dir, _ := newRepo(t)
	bothWays(t, dir, func(t *testing.T, r *Repo) {
		if h, err := r.Head(); h != "" || err != nil {
			t.Errorf("got %q, %v", h, err)
		}
		if _, err := r.Resolve("nothing"); err == nil {
			t.Error("an unknown revision was resolved")
		}
	})
}

func TestSnapshots(t *testing.T) {
	dir, git := newRepo(t)
	odd := "dir/odd \"name\"\n\xff"
	write(t, filepath.Join(dir, "dir/a"), "one")
	write(t, filepath.Join(dir, odd), "odd")
	git("add", "-A")
	git("commit", "-qm", "first")
	git("tag", "-a", "-m", "t", "v1")
	write(t, filepath.Join(dir, "dir/a"), "staged")
	git("add", "dir/a")
	write(t, filepath.Join(dir, "dir/a"), "working tree")
	bothWays(t, dir, func(t *testing.T, r *Repo) {
		index, err := r.Index()
		if err != nil {
			t.Fatal(err)
		}
		v1, err := r.At("v1")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			s          *Snapshot
			name, want string
		}{{index, "dir/a", "staged"}, {v1, "dir/a", "one"}, {v1, odd, "odd"}} {
			if b, err := c.s.ReadFile(c.name); err != nil || string(b) != c.want {
				t.Errorf("%q: got %q, %v, want %q", c.name, b, err, c.want)
			}
		}
		if b, err := r.ReadFileAt("HEAD", "dir/a"); err != nil || string(b) != "one" {
			t.Errorf("at HEAD: got %q, %v", b, err)
		}
		if _, err := r.ReadFileAt("HEAD", "nothing"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("absent file: got %v", err)
		}
		if !v1.Has("dir") || v1.Has("di") || len(v1.Below("dir")) != 2 || len(v1.Below(".")) != 2 || len(v1.Below("dir/a")) != 1 {
			t.Error("directories are not seen as they are")
		}
	})
}

// Only names that have no other for a beginning are below a directory.
func TestBelow(t *testing.T) {
	s := &Snapshot{files: map[string]File{}}
	for _, name := range []string{"a", "a-b/c", "a.b/c", "a/b/c", "a/é", "a0/c", "b/a/c"} {
		s.files[name] = File{Path: name}
	}
	for dir, want := range map[string]int{".": 7, "a": 3, "a/b": 1, "a0": 1, "b": 1, "c": 0, "a/": 0, "": 0} {
		if got := s.Below(dir); len(got) != want || s.Has(dir) != (want > 0) {
			t.Errorf("%q: %v", dir, got)
		}
	}
}

// Whatever is packed, missing or no blob: what is read at once is what is read
// one by one.
func TestReadEach(t *testing.T) {
	dir, git := newRepo(t)
	paths := []string{"absent"}
	for i := range 3 * few {
		paths = append(paths, fmt.Sprint("f", i))
		write(t, filepath.Join(dir, paths[i+1]), strings.Repeat("line\n", i*i*i))
	}
	git("add", "-A")
	git("commit", "-qm", "first")
	check := func(want int64) {
		t.Helper()
		bothWays(t, dir, func(t *testing.T, r *Repo) {
			s, err := r.Index()
			if err != nil {
				t.Fatal(err)
			}
			var n atomic.Int64
			s.ReadEach(paths, func(path string, content []byte) {
				n.Add(1)
				if b, err := s.ReadFile(path); err != nil || !bytes.Equal(b, content) {
					t.Errorf("%s: %q, not %q, %v", path, content, b, err)
				}
			})
			if n.Load() != want {
				t.Errorf("%d of %d were read", n.Load(), want)
			}
		})
	}
	check(3 * few)
	git("gc", "-q")
	check(3 * few)
	write(t, filepath.Join(dir, "f0"), "loose")
	git("add", "f0")
	check(3 * few)
	git("update-index", "--add", "--cacheinfo", "100644,"+strings.Repeat("1", 40)+",f1")
	check(1) // the command is believed no more after an object that is missing
}

func TestRefsAndCommits(t *testing.T) {
	dir, git := newRepo(t)
	git("commit", "-q", "--allow-empty", "-m", "one")
	git("tag", "-a", "-m", "t", "v1")
	git("branch", "side")
	git("commit", "-q", "--allow-empty", "-m", "two")
	bothWays(t, dir, func(t *testing.T, r *Repo) {
		refs, err := r.Refs()
		if err != nil {
			t.Fatal(err)
		}
		at := map[string]string{}
		for _, ref := range refs {
			at[ref.Name] = ref.Commit
		}
		head, _ := r.Head()
		if at["refs/heads/main"] != head || at["refs/tags/v1"] != at["refs/heads/side"] || at["refs/tags/v1"] == "" {
			t.Errorf("got %v", at)
		}
		n := 0
		if err := r.Commits(func(string) error { n++; return nil }); err != nil || n != 2 {
			t.Errorf("%d commits, %v", n, err)
		}
	})
}

func TestDirty(t *testing.T) {
	dir, git := newRepo(t)
	write(t, filepath.Join(dir, ".gitignore"), "*.pyc\nignored\n")
	for _, name := range []string{"clean", "changed", "staged", "gone", "src/a", "src2/b"} {
		write(t, filepath.Join(dir, name), name)
	}
	git("add", "-A")
	git("commit", "-qm", "first")
	write(t, filepath.Join(dir, "changed"), "other")
	write(t, filepath.Join(dir, "staged"), "other")
	git("add", "staged")
	os.Remove(filepath.Join(dir, "gone"))
	write(t, filepath.Join(dir, "new"), "")
	write(t, filepath.Join(dir, "ignored"), "")
	write(t, filepath.Join(dir, "src/a.pyc"), "")
	write(t, filepath.Join(dir, "src2/new"), "")
	got, err := open(t, dir).Dirty([]string{"clean", "changed", "staged", "gone", "new", "ignored", "src", "src2", "newdir"})
	want := []string{"changed", "staged", "gone", "new", "ignored", "src2"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestLastChange(t *testing.T) {
	dir, git := newRepo(t)
	write(t, filepath.Join(dir, "a"), "1")
	git("add", "-A")
	git("commit", "-qm", "first")
	r := open(t, dir)
	first, _ := r.Head()
	git("commit", "-q", "--allow-empty", "-m", "second")
	if c, ok := r.LastChange("a", ""); !ok || c.Hash != first || c.Subject != "first" || c.Author != "A" {
		t.Errorf("got %+v, %v", c, ok)
	}
	if c, ok := r.LastChange("a", first); ok {
		t.Errorf("nothing changed since, but got %+v", c)
	}
}

func TestWorktrees(t *testing.T) {
	dir, git := newRepo(t)
	git("commit", "-q", "--allow-empty", "-m", "first")
	linked := filepath.Join(filepath.Dir(dir), "linked")
	git("worktree", "add", "-q", linked)
	r := open(t, linked)
	if r.Top != linked || r.MainTop() != dir || !slices.Equal(r.Worktrees(), []string{dir}) {
		t.Errorf("from the linked one: top %s, main %s, others %v", r.Top, r.MainTop(), r.Worktrees())
	}
	if others := open(t, dir).Worktrees(); !slices.Equal(others, []string{linked}) {
		t.Errorf("from the main one: %v", others)
	}
	if h, err := r.Head(); h == "" || err != nil {
		t.Errorf("HEAD of the linked one: %q, %v", h, err)
	}
}

// Git can use formats that go-git cannot open: the command answers then.
func TestSparseCheckout(t *testing.T) {
	dir, git := newRepo(t)
	write(t, filepath.Join(dir, "a/x"), "x")
	git("add", "-A")
	git("commit", "-qm", "first")
	git("sparse-checkout", "set", "a")
	r := open(t, dir)
	if h, err := r.Head(); h == "" || err != nil {
		t.Errorf("HEAD: %q, %v", h, err)
	}
	if b, err := r.ReadFileAt("HEAD", "a/x"); string(b) != "x" || err != nil {
		t.Errorf("got %q, %v", b, err)
	}
}
