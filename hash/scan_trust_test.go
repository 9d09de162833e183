package hash_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/xtrepro/xt/hash"
)

// TestScanTrust puts a lie into the index and sees when it is believed: only
// as long as the whole Stat is that of the file, and the record is not racy.
func TestScanTrust(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "d/f"), "content")
	lie := hash.Bytes([]byte("lie"))
	doubts := map[string]func(r *hash.Record){
		"size":  func(r *hash.Record) { r.Stat.Size++ },
		"mtime": func(r *hash.Record) { r.Stat.Mtime++ },
		"ctime": func(r *hash.Record) { r.Stat.Ctime++ },
		"inode": func(r *hash.Record) { r.Stat.Ino++ },
		"mode":  func(r *hash.Record) { r.Stat.Mode ^= 0o100 },
		"racy":  func(r *hash.Record) { r.Racy = true },
		"none":  func(r *hash.Record) {},
	}
	for doubt, change := range doubts {
		rec := hash.Record{Name: "f", Node: hash.Node{Kind: hash.File, Sum: lie, Size: 7}}
		var err error
		rec.Stat, _, err = hash.StatOf(filepath.Join(root, "d/f"))
		must(t, err)
		change(&rec)
		tree := hash.Tree{{Name: "f", Node: rec.Node}}.Node()
		s := newScanner(root)
		s.Index.SetFile("d/f", rec)
		s.Index.SetDir("d", tree, []hash.Record{rec})
		if believed := scan(t, s, "d/f").Sum == lie; believed != (doubt == "none") {
			t.Errorf("%s: file believed = %v", doubt, believed)
		}
		if believed := scan(t, s, "d") == tree; believed != (doubt == "none") {
			t.Errorf("%s: directory believed = %v", doubt, believed)
		}
	}
}

// TestScanRacy sees that what was read within the tick of its last change is
// recorded as such, whatever times the file pretends to have.
func TestScanRacy(t *testing.T) {
	root := t.TempDir()
	s := newScanner(root)
	write(t, filepath.Join(root, "d/f"), "content")
	old := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(filepath.Join(root, "d/f"), old, old))
	begun := time.Now()
	scan(t, s, "d")
	scan(t, s, "d/f")
	r, ok := s.Index.File("d/f")
	_, recs, _ := s.Index.Dir("d")
	if r.Stat.Ctime == 0 {
		t.Skip("the system does not say when an inode changed")
	}
	quick := time.Since(begun) < hash.Tick/2
	if quick && (!ok || !r.Racy || len(recs) != 1 || !recs[0].Racy) {
		t.Errorf("%+v, %+v: not racy", r, recs)
	}
	time.Sleep(2 * hash.Tick)
	scan(t, s, "d")
	scan(t, s, "d/f")
	r, _ = s.Index.File("d/f")
	_, recs, _ = s.Index.Dir("d")
	if r.Racy || recs[0].Racy {
		t.Errorf("%+v, %+v: still racy", r, recs)
	}
}

func TestStatRacy(t *testing.T) {
	const second = int64(time.Second)
	at := func(ns int64) time.Time { return time.Unix(0, ns) }
	tests := []struct {
		name  string
		stat  hash.Stat
		begun time.Time
		racy  bool
	}{
		{"read in the tick", hash.Stat{Mtime: 1, Ctime: 100*second + 1}, at(100*second + 2), true},
		{"read before the change", hash.Stat{Ctime: 100*second + 1}, at(99 * second), true},
		{"read after the tick", hash.Stat{Ctime: 100*second + 1}, at(100*second + 2 + int64(hash.Tick)), false},
		{"no fractions", hash.Stat{Ctime: 100 * second}, at(101 * second), true},
		{"no fractions, later", hash.Stat{Ctime: 100 * second}, at(102*second + 1), false},
		{"time set into the future", hash.Stat{Mtime: 999 * second, Ctime: 100*second + 1}, at(101 * second), false},
		{"no inode time", hash.Stat{Mtime: 100*second + 1}, at(100*second + 2), true},
	}
	for _, tt := range tests {
		if got := tt.stat.Racy(tt.begun); got != tt.racy {
			t.Errorf("%s: Racy = %v", tt.name, got)
		}
	}
}

// TestScanSeesQuietChanges makes changes that leave no trace but in one place,
// long after the file was read.
func TestScanSeesQuietChanges(t *testing.T) {
	root := t.TempDir()
	old := time.Now().Add(-time.Hour)
	path := func(name string) string { return filepath.Join(root, "d", name) }
	for _, name := range []string{"inplace", "swapA", "swapB", "chmod", "kind", "gone", "sub/f"} {
		write(t, path(name), "old "+name[:1])
		must(t, os.Chtimes(path(name), old, old))
	}
	time.Sleep(2 * hash.Tick)
	s := newScanner(root)
	changes := map[string]func(){
		"inplace": func() { overwrite(t, path("inplace"), "new") },
		"swap": func() {
			must(t, os.Rename(path("swapA"), path("swapC")))
			must(t, os.Rename(path("swapB"), path("swapA")))
			must(t, os.Rename(path("swapC"), path("swapB")))
			write(t, path("swapA"), "odl s")
		},
		"chmod": func() { must(t, os.Chmod(path("chmod"), 0o755)) },
		"kind": func() {
			must(t, os.Remove(path("kind")))
			must(t, os.Mkdir(path("kind"), 0o777))
		},
		"gone": func() { must(t, os.Remove(path("gone"))) },
		"sub":  func() { must(t, os.RemoveAll(path("sub"))) },
		"link": func() { link(t, "inplace", path("sub")) },
	}
	for _, what := range []string{"inplace", "swap", "chmod", "kind", "gone", "sub", "link"} {
		before := scan(t, s, "d")
		reopen(t, s)
		changes[what]()
		for _, name := range []string{"inplace", "swapA", "swapB"} {
			must(t, os.Chtimes(path(name), old, old))
		}
		after := scan(t, s, "d")
		if after == before || after != fresh(t, root, "d") {
			t.Errorf("%s was not seen", what)
		}
	}
	if _, _, ok := s.Index.Dir("d/sub"); ok {
		t.Error("the index remembers a directory that is gone")
	}
}

// TestScanVanishing removes and makes files while a scan looks at them: it
// may find them or not, but nothing else may happen.
func TestScanVanishing(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "d/stays"), "1")
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				f := filepath.Join(root, "d/comes and goes")
				os.WriteFile(f, []byte("2"), 0o666)
				os.Remove(f)
			}
		}
	}()
	s := newScanner(root)
	for range 200 {
		n, err := s.Scan(context.Background(), "d")
		if err == nil && n.Files != 1 && n.Files != 2 {
			t.Errorf("%+v", n)
		}
	}
	close(stop)
	<-done
	if scan(t, s, "d") != fresh(t, root, "d") {
		t.Error("stale after the dust has settled")
	}
}
