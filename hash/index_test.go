package hash_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/xtrepro/xt/hash"
)

func sampleIndex(path string) *hash.Index {
	x := hash.OpenIndex(path)
	to := hash.Node{Kind: hash.Symlink, Sum: hash.Bytes([]byte("to")), Size: 2, Target: "to"}
	for _, dir := range []string{".", "a", "a/b"} {
		x.SetDir(dir, hash.Node{Kind: hash.Directory, Files: 3}, []hash.Record{
			{Name: "b", Node: hash.Node{Kind: hash.Directory, Files: 2}},
			{Name: "f", Stat: hash.Stat{Size: 1, Mtime: 2, Ctime: 3, Ino: 4, Mode: 5}, Node: hash.Node{Kind: hash.File, Size: 1}},
			{Name: "l", Node: to, Racy: true},
		})
	}
	x.SetFile("single", hash.Record{Name: "single", Node: to})
	return x
}

// ask calls everything that reads the index.
func ask(x *hash.Index) {
	for _, path := range []string{".", "a", "a/b", "single", "", "absent"} {
		x.Dir(path)
		x.File(path)
	}
	x.Drop("a")
}

// TestIndexDamaged cuts and turns each byte: the index may forget, and must
// not fail.
func TestIndexDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index")
	must(t, sampleIndex(path).Save())
	good, err := os.ReadFile(path)
	must(t, err)
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x41
		for _, data := range [][]byte{bad, good[:i]} {
			x := hash.ReadIndex(path, data)
			ask(x)
			must(t, x.Save())
			x = hash.OpenIndex(path)
			ask(x)
			must(t, x.Close())
		}
	}
}

func TestIndexElsewhere(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "absent"), filepath.Join(dir, "absent", "too")} {
		x := hash.OpenIndex(path)
		ask(x)
		if err := x.Save(); err != nil {
			t.Errorf("nothing to save: %v", err)
		}
		must(t, x.Close())
	}
	x := sampleIndex(filepath.Join(dir, "new", "index"))
	must(t, x.Save())
	if sampleIndex(dir).Save() == nil {
		t.Error("saved over a directory")
	}
}

func TestIndexConcurrently(t *testing.T) {
	x := sampleIndex(filepath.Join(t.TempDir(), "index"))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				p := fmt.Sprintf("a/%d/%d", i, j)
				x.SetFile(p, hash.Record{Name: "f", Node: hash.Node{Kind: hash.File, Size: int64(j)}})
				if r, ok := x.File(p); !ok || r.Node.Size != int64(j) {
					t.Errorf("%s: %+v", p, r)
				}
				x.Dir("a")
				if j%20 == 0 {
					if err := x.Save(); err != nil {
						t.Error(err)
					}
				}
				x.Drop(p)
			}
		})
	}
	wg.Wait()
}

func FuzzIndex(f *testing.F) {
	path := filepath.Join(f.TempDir(), "index")
	must(f, sampleIndex(path).Save())
	good, err := os.ReadFile(path)
	must(f, err)
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		hash.Seal(data) // or else the checksums would keep everything out
		x := hash.ReadIndex("", data)
		ask(x)
		hash.ReadIndex("", hash.EncodeIndex(x))
	})
}
