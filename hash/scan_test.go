package hash_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xtrepro/xt/hash"
)

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

func link(t testing.TB, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Skip(err)
	}
}

func scan(t testing.TB, s *hash.Scanner, path string) hash.Node {
	t.Helper()
	n, err := s.Scan(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// fresh is what a scanner without memory finds.
func fresh(t testing.TB, root, path string) hash.Node {
	t.Helper()
	return scan(t, &hash.Scanner{Root: root}, path)
}

func newScanner(root string) *hash.Scanner {
	return &hash.Scanner{Root: root, Index: hash.OpenIndex(filepath.Join(root, ".xt", "index"))}
}

// reopen is a new process.
func reopen(t testing.TB, s *hash.Scanner) {
	t.Helper()
	if err := s.Index.Save(); err != nil {
		t.Fatal(err)
	}
	if err := s.Index.Close(); err != nil {
		t.Fatal(err)
	}
	s.Index = hash.OpenIndex(filepath.Join(s.Root, ".xt", "index"))
}

func TestScanTree(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "d/b/x"), "hello")
	write(t, filepath.Join(root, "d/run"), "#!")
	if err := os.Chmod(filepath.Join(root, "d/run"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "d/empty"), 0o777); err != nil {
		t.Fatal(err)
	}
	link(t, "nowhere at all", filepath.Join(root, "d/z"))
	file := func(k hash.Kind, s string) hash.Node {
		return hash.Node{Kind: k, Sum: hash.Bytes([]byte(s)), Size: int64(len(s))}
	}
	z := file(hash.Symlink, "nowhere at all")
	z.Target = "nowhere at all"
	want := hash.Tree{
		{Name: "b", Node: hash.Tree{{Name: "x", Node: file(hash.File, "hello")}}.Node()},
		{Name: "empty", Node: hash.Tree{}.Node()},
		{Name: "run", Node: file(hash.Executable, "#!")},
		{Name: "z", Node: z},
	}.Node()
	if got := fresh(t, root, "d"); got != want {
		t.Errorf("Scan = %+v, want %+v", got, want)
	}
	if want.Files != 3 || want.Size != 21 {
		t.Errorf("%d files, %d bytes", want.Files, want.Size)
	}
}

func TestScanOddNames(t *testing.T) {
	root := t.TempDir()
	names := []string{
		" ", "a b", "new\nline", "\xff\xfe", "[*]?", "-rf", "A", "a", `back\slash`, `"quoted"`, "'", "é", "e\u0301",
		"\u2028", "\U0001f600", "\x7f", "\u0085", strings.Repeat("x", 255), "...", ".hidden", "xt-tree 1", "#", "!",
	}
	for _, name := range names {
		write(t, filepath.Join(root, "d", name), name)
	}
	s := newScanner(root)
	first := scan(t, s, "d")
	if first.Files != int64(len(names)) {
		t.Fatalf("%d files, want %d", first.Files, len(names))
	}
	reopen(t, s)
	if again := scan(t, s, "d"); again != first {
		t.Error("a second scan differs")
	}
	_, recs, ok := s.Index.Dir("d")
	tree := hash.Tree{}
	for _, r := range recs {
		tree = append(tree, hash.Entry{Name: r.Name, Node: r.Node})
	}
	parsed, err := hash.ParseTree(tree.Encode())
	if err != nil || !ok || parsed.Node() != first {
		t.Errorf("the listing does not come back: %v", err)
	}
}

func TestScanPaths(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "f"), "1")
	s := newScanner(root)
	if _, err := s.Scan(context.Background(), "absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if _, err := s.Scan(context.Background(), "f/below"); err == nil {
		t.Error("f/below: no error")
	}
	for _, out := range []string{"..", "../x", "/etc", "a/../../x", ""} {
		if _, err := s.Scan(context.Background(), out); err == nil || !strings.Contains(err.Error(), "leads out") {
			t.Errorf("%q: %v", out, err)
		}
	}
	if scan(t, s, "./f") != fresh(t, root, "f") {
		t.Error("./f is not f")
	}
	whole := scan(t, s, ".")
	reopen(t, s)
	if whole != scan(t, s, ".") || whole.Files != 1 {
		t.Errorf("the root has %d files", whole.Files)
	}
}

func TestScanFollowsOnlyTheTop(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "real/f"), "1")
	link(t, "real", filepath.Join(root, "alias"))
	link(t, "alias", filepath.Join(root, "twice"))
	link(t, "real/f", filepath.Join(root, "file"))
	link(t, "b", filepath.Join(root, "a"))
	link(t, "a", filepath.Join(root, "b"))
	link(t, "nothing", filepath.Join(root, "dangling"))
	s := newScanner(root)
	for range 2 {
		for path, want := range map[string]string{"alias": "real", "twice": "real", "file": "real/f"} {
			if scan(t, s, path) != fresh(t, root, want) {
				t.Errorf("%s is not %s", path, want)
			}
		}
	}
	var unsupported *hash.UnsupportedError
	if _, err := s.Scan(context.Background(), "a"); !errors.As(err, &unsupported) {
		t.Errorf("a loop: %v", err)
	}
	if _, err := s.Scan(context.Background(), "dangling"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("dangling: %v", err)
	}
	if n := scan(t, s, "."); n.Files != 7 {
		t.Errorf("%d files below the root, want the links unfollowed", n.Files)
	}
}

// TestScanNeverStale rewrites a file with content of the same length, at once
// and with its old time, in each way that leaves little behind.
func TestScanNeverStale(t *testing.T) {
	ways := map[string]func(t *testing.T, path, content string){
		"in place": func(t *testing.T, path, content string) { overwrite(t, path, content) },
		"over it": func(t *testing.T, path, content string) {
			write(t, path+".new", content)
			must(t, os.Rename(path+".new", path))
		},
		"inode again": func(t *testing.T, path, content string) {
			must(t, os.Remove(path))
			write(t, path, content)
		},
		"through a hard link": func(t *testing.T, path, content string) {
			other := path + ".other"
			if err := os.Link(path, other); err != nil {
				t.Skip(err)
			}
			overwrite(t, other, content)
			must(t, os.Remove(other))
		},
	}
	for name, change := range ways {
		for _, path := range []string{"d/f", "d"} {
			t.Run(name+" "+path, func(t *testing.T) {
				root := t.TempDir()
				file := filepath.Join(root, "d", "f")
				old := time.Now().Add(-time.Hour)
				write(t, file, "000")
				s := newScanner(root)
				last := scan(t, s, path)
				for i := range 300 {
					change(t, file, string([]byte{'a' + byte(i%3), '0' + byte(i%10), '0'}))
					must(t, os.Chtimes(file, old, old))
					if i%50 == 0 {
						reopen(t, s)
					}
					now := scan(t, s, path)
					if now != fresh(t, root, path) || now == last {
						t.Fatalf("change %d was not seen", i)
					}
					last = now
				}
			})
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// overwrite writes into the file that is there.
func overwrite(t testing.TB, path, content string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(content)
	must(t, err)
	must(t, f.Close())
}

// TestScanReadsOnce checks that what does not change is read only once, when
// the tick in which it was written is over.
func TestScanReadsOnce(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"d/a", "d/b/c", "d/b/e"} {
		write(t, filepath.Join(root, name), name)
	}
	s := newScanner(root)
	var read int
	s.Jobs, s.OnFile = 1, func(int64) { read++ }
	time.Sleep(2 * hash.Tick)
	scan(t, s, "d")
	scan(t, s, "d/a")
	if read != 4 {
		t.Errorf("read %d files first", read)
	}
	read = 0
	reopen(t, s)
	scan(t, s, "d")
	scan(t, s, "d/b")
	scan(t, s, "d/a")
	if read != 0 {
		t.Errorf("read %d files again", read)
	}
	before, err := os.Stat(filepath.Join(root, ".xt", "index"))
	must(t, err)
	must(t, s.Index.Save())
	after, err := os.Stat(filepath.Join(root, ".xt", "index"))
	must(t, err)
	if !os.SameFile(before, after) {
		t.Error("the index was written although nothing changed")
	}
	write(t, filepath.Join(root, "d/b/e"), "changed")
	scan(t, s, "d")
	if read != 1 {
		t.Errorf("read %d files after one changed", read)
	}
}

func TestScanCancelled(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "d/f"), "1")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := newScanner(root).Scan(ctx, "d"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	s := newScanner(root)
	s.OnFile = func(int64) { cancel() }
	if n, err := s.Scan(ctx, "d"); !errors.Is(err, context.Canceled) && n != fresh(t, root, "d") {
		t.Error(n, err)
	}
}

func TestScanAllKeepsResultsApart(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "d/f"), "1")
	write(t, filepath.Join(root, "g"), "2")
	paths := []string{"g", "absent", "d", "d/f", "../out"}
	for range 2 {
		for i, r := range newScanner(root).ScanAll(context.Background(), paths) {
			n, err := (&hash.Scanner{Root: root}).Scan(context.Background(), paths[i])
			if r.Node != n || (r.Err == nil) != (err == nil) {
				t.Errorf("%s: %+v, want %+v, %v", paths[i], r, n, err)
			}
		}
	}
}

// TestScanDeep goes down as far as a path can name, and then one further.
func TestScanDeep(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, strings.Repeat("d/", 1000)+"f"), "1")
	s := newScanner(root)
	if n := scan(t, s, "d"); n.Files != 1 {
		t.Errorf("%d files", n.Files)
	}
	t.Chdir(filepath.Join(root, "d"))
	for range 17 {
		name := strings.Repeat("x", 250)
		must(t, os.Mkdir(name, 0o777))
		must(t, os.Chdir(name))
	}
	if _, err := s.Scan(context.Background(), "d"); err == nil || errors.Is(err, hash.ErrChanged) {
		t.Errorf("err = %v", err)
	}
}
