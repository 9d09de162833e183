package hash

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// benchTree makes a tree of dirs folders with files files each, in memory if
// the system has a place for that.
func benchTree(b *testing.B, dirs, files, size int) string {
	parent := ""
	if _, err := os.Stat("/dev/shm"); err == nil {
		parent = "/dev/shm"
	}
	root, err := os.MkdirTemp(parent, "xt-bench-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(root) })
	data := []byte(strings.Repeat("x", size))
	for d := range dirs {
		dir := filepath.Join(root, "data", fmt.Sprintf("dir-%04d", d))
		if err := os.MkdirAll(dir, 0o777); err != nil {
			b.Fatal(err)
		}
		for f := range files {
			copy(data, fmt.Sprintf("%d/%d", d, f))
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%06d.bin", f)), data, 0o666); err != nil {
				b.Fatal(err)
			}
		}
	}
	return root
}

// BenchmarkWalk is the limit: the same calls to the system, and nothing else.
func BenchmarkWalk(b *testing.B) {
	root := filepath.Join(benchTree(b, 100, 1000, 4096), "data")
	for b.Loop() {
		lstatWalk(b, root)
	}
}

func lstatWalk(b *testing.B, root string) {
	dirs := make(chan string)
	var wg sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for dir := range dirs {
				lstatAll(b, dir)
			}
		})
	}
	list, err := os.ReadDir(root)
	if err != nil {
		b.Error(err)
	}
	for _, e := range list {
		dirs <- filepath.Join(root, e.Name())
	}
	close(dirs)
	wg.Wait()
}

func lstatAll(b *testing.B, dir string) {
	f, err := openFolder(dir)
	if err != nil {
		b.Error(err)
		return
	}
	defer f.close()
	ents, err := f.names(nil, &buffers{})
	if err != nil {
		b.Error(err)
	}
	for i := range ents {
		if st, err := f.stat(&ents[i]); err != nil || !fs.FileMode(st.Mode).IsRegular() {
			b.Error(st, err)
		}
	}
}

func BenchmarkScanUnchanged(b *testing.B) {
	root := benchTree(b, 100, 1000, 4096)
	index := filepath.Join(root, ".xt", "index")
	x := OpenIndex(index)
	benchScan(b, root, x)
	if err := x.Save(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		x := OpenIndex(index)
		benchScan(b, root, x)
		x.Close()
	}
}

func BenchmarkScanFirst(b *testing.B) {
	root := benchTree(b, 100, 1000, 4096)
	for b.Loop() {
		benchScan(b, root, OpenIndex(""))
	}
}

// BenchmarkScanFlat is of one folder with many files.
func BenchmarkScanFlat(b *testing.B) {
	root := benchTree(b, 1, 100_000, 0)
	x := OpenIndex("")
	benchScan(b, root, x)
	for b.Loop() {
		benchScan(b, root, x)
	}
}

func benchScan(b *testing.B, root string, x *Index) {
	s := Scanner{Root: root, Index: x}
	if _, err := s.Scan(context.Background(), "data"); err != nil {
		b.Fatal(err)
	}
}
