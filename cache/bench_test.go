package cache

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/xtrepro/xt/hash"
)

// manyFiles is how many files of 4 KiB the benchmarks put; XT_BENCH_FILES says
// otherwise. TMPDIR says on which file system.
const manyFiles = 10_000

func benchFiles(b *testing.B) int {
	if s := os.Getenv("XT_BENCH_FILES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	return manyFiles
}

// fill makes n files of 4 KiB in folders of a thousand.
func (p *project) fill(n int) {
	data := make([]byte, 4096)
	for i := range n {
		if i%1000 == 0 {
			if err := os.MkdirAll(p.path(fmt.Sprintf("data/%03d", i/1000)), 0o777); err != nil {
				p.t.Fatal(err)
			}
		}
		copy(data, strconv.Itoa(i))
		if err := os.WriteFile(p.path(fmt.Sprintf("data/%03d/%06d", i/1000, i)), data, 0o666); err != nil {
			p.t.Fatal(err)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	for _, link := range everyLink {
		b.Run(link.String(), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				p := newProject(b, link)
				n := benchFiles(b)
				p.fill(n)
				b.StartTimer()
				p.put("data")
				b.StopTimer()
				os.RemoveAll(p.root)
				os.RemoveAll(p.cache.dir)
				b.StartTimer()
			}
			perFile(b, benchFiles(b))
		})
	}
}

func BenchmarkCheckout(b *testing.B) {
	for _, link := range everyLink {
		b.Run(link.String(), func(b *testing.B) {
			p := newProject(b, link)
			n := benchFiles(b)
			p.fill(n)
			node := p.put("data")
			for b.Loop() {
				b.StopTimer()
				p.wipe("data")
				b.StartTimer()
				p.mustCheckout("data", node)
			}
			perFile(b, n)
		})
	}
}

// One changed file among many: what it costs should not depend on how many.
func BenchmarkCheckoutOneChange(b *testing.B) {
	p := newProject(b)
	n := benchFiles(b)
	p.fill(n)
	first := p.put("data")
	p.write("data/000/000007", "changed")
	second := p.put("data")
	nodes := []hash.Node{first, second}
	for i := 0; b.Loop(); i++ {
		if s := p.mustCheckout("data", nodes[i%2]); s.Changed != 1 {
			b.Fatalf("%+v", s)
		}
	}
}

func BenchmarkPutRun(b *testing.B) {
	p := newProject(b)
	for i := 0; b.Loop(); i++ {
		fp := hash.Fingerprint(hash.Bytes(strconv.AppendInt(nil, int64(i), 10)))
		if err := p.cache.PutRun(fp, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFsck(b *testing.B) {
	p := newProject(b)
	n := benchFiles(b)
	p.fill(n)
	p.put("data")
	for b.Loop() {
		if _, err := p.cache.Fsck(context.Background(), FsckOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	perFile(b, n)
}

func perFile(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/file")
}
