package lock

import (
	"fmt"
	"testing"

	"github.com/xtrepro/xt/hash"
)

// wide returns a lock of n stages with a source, two dependencies and an output
// each.
func wide(n int) *File {
	f := New()
	item := func(format string, i int) Item {
		p := fmt.Sprintf(format, i)
		return Item{p, hash.Node{Kind: hash.File, Sum: hash.Bytes([]byte(p)), Size: int64(i)}}
	}
	env := &Environment{OS: "linux", Arch: "amd64", Python: "cpython 3.11.7", Packages: []string{"numpy==2.3.4"}}
	f.Environments[env.Sum()] = env
	for i := range n {
		name := fmt.Sprintf("stage-%04d", i)
		f.Stages[name] = &Stage{
			Name: name, Fingerprint: hash.Fingerprint(hash.Bytes([]byte(name))), How: Executed,
			Cmd: "python src/work.py --in build/" + name, Shell: DefaultShell(), Wdir: ".",
			Commit: "0123456789abcdef0123456789abcdef01234567",
			Code:   []Item{item("src/work-%d.py", i)},
			Deps:   []Item{item("build/%d.in", i), item("data/%d.in", i)},
			Outs:   []Item{item("build/%d.out", i)},
			Params: []Param{{Key: "lr", Value: "0.1"}}, Env: map[string]string{"OMP_NUM_THREADS": "1"},
			Seed: new(int64(42)), Deterministic: DeterministicOn, Threads: 1, Environment: env.Sum(),
		}
	}
	return f
}

func BenchmarkParse(b *testing.B) {
	text := wide(1000).Encode()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("xt.lock", text); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseByLibrary is what reading costs once a lock is not of the form
// that Encode writes.
func BenchmarkParseByLibrary(b *testing.B) {
	text := append(wide(1000).Encode(), "\n[data.'a']\nblake3 = \""+hash.Bytes(nil).String()+"\"\nsize = 0\nhow = \"committed\"\n"...)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("xt.lock", text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	f := wide(1000)
	b.ReportAllocs()
	for b.Loop() {
		f.Encode()
	}
}

func BenchmarkSetStage(b *testing.B) {
	dir := b.TempDir()
	s, err := OpenStore(dir+"/xt.lock", dir+"/journal")
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	st := *wide(1).Stages["stage-0000"]
	for i := 0; b.Loop(); i++ {
		next := st
		next.Seed = new(int64(i))
		if err := s.SetStage(&next); err != nil {
			b.Fatal(err)
		}
	}
}
