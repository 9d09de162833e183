package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote/pack"
)

// forger puts things on a remote that no xt would.
type forger struct {
	w       *world
	builder *pack.Builder
}

func (w *world) forger() *forger {
	w.open() // makes it
	return &forger{w, pack.NewBuilder(100)}
}

// add adds a blob as it is to stand in the pack.
func (f *forger) add(kind pack.Kind, sum hash.Sum, stored []byte, raw int) {
	f.builder.Add(kind, sum, stored, raw)
}

// content adds an honest blob.
func (f *forger) content(kind pack.Kind, content []byte) hash.Sum {
	sum := hash.Bytes(content)
	f.named(kind, sum, content)
	return sum
}

func (f *forger) named(kind pack.Kind, sum hash.Sum, content []byte) {
	raw := pack.Raw(kind, content)
	f.add(kind, sum, pack.Compress(nil, raw), len(raw))
}

// finish puts the pack and its table on the remote; change may lie in the table.
func (f *forger) finish(change func(*pack.File)) {
	f.w.t.Helper()
	data, entries := f.builder.Finish()
	p := pack.File{Name: hash.Bytes(data), Size: int64(len(data)), Entries: entries}
	f.put(packKey(p.Name), data)
	if change != nil {
		change(&p)
	}
	for _, prefix := range []string{indexPrefix, runsPrefix} {
		table := pack.EncodeTable([]pack.File{p}, nil)
		f.put(prefix+hash.Bytes(table).String(), table)
	}
}

func (f *forger) put(key string, b []byte) {
	f.w.t.Helper()
	path := filepath.Join(strings.TrimPrefix(f.w.url, "file://"), filepath.FromSlash(key))
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, b, 0o666)); err != nil {
		f.w.t.Fatal(err)
	}
}

func dirNode(sum hash.Sum, size, files int64) hash.Node {
	return hash.Node{Kind: hash.Directory, Sum: sum, Size: size, Files: files}
}

func fileNode(sum hash.Sum, size int64) hash.Node {
	return hash.Node{Kind: hash.File, Sum: sum, Size: size}
}

// bomb is 8 MiB of nothing, compressed to very little.
func bomb() []byte { return pack.Compress(nil, make([]byte, pack.MaxBlob)) }

// TestHostileRemote asks for what a hostile remote has. None of it may be brought,
// and none may take much memory or end the process.
func TestHostileRemote(t *testing.T) {
	hello := []byte("hello")
	for name, forge := range map[string]func(f *forger) hash.Node{
		"a name that leads upwards": func(f *forger) hash.Node { return forgeTree(f, "..") },
		"a name with a slash":       func(f *forger) hash.Node { return forgeTree(f, "../x") },
		"an absolute name":          func(f *forger) hash.Node { return forgeTree(f, "/etc/x") },
		"the folder of git":         func(f *forger) hash.Node { return forgeTree(f, ".git") },
		"the folder of git, large":  func(f *forger) hash.Node { return forgeTree(f, ".GIT") },
		"the folder of xt":          func(f *forger) hash.Node { return forgeTree(f, ".xt") },
		"an empty name":             func(f *forger) hash.Node { return forgeTree(f, "") },
		"a name with a NUL":         func(f *forger) hash.Node { return forgeTree(f, "a\x00b") },
		"a listing that is none": func(f *forger) hash.Node {
			return dirNode(f.content(pack.Tree, []byte("<html>")), 5, 1)
		},
		"a listing of another size": func(f *forger) hash.Node {
			f.content(pack.Data, hello)
			tree := hash.Tree{{Name: "f", Node: fileNode(hash.Bytes(hello), 5)}}
			return dirNode(f.content(pack.Tree, tree.Encode()), 1, 1)
		},
		"other bytes": func(f *forger) hash.Node {
			f.add(pack.Data, hash.Bytes(hello), []byte("HELLO"), 5)
			return fileNode(hash.Bytes(hello), 5)
		},
		"another size": func(f *forger) hash.Node { return fileNode(f.content(pack.Data, hello), 4) },
		"a bomb": func(f *forger) hash.Node {
			f.add(pack.Data, hash.Bytes(hello), bomb(), 1<<22)
			return fileNode(hash.Bytes(hello), 1<<22)
		},
		"a bomb of bombs": func(f *forger) hash.Node {
			b := bytes.Repeat(bomb(), 1000)
			f.add(pack.Data, hash.Bytes(hello), b, pack.MaxBlob)
			return fileNode(hash.Bytes(hello), pack.MaxBlob)
		},
		"a recipe for less": func(f *forger) hash.Node {
			return forgeRecipe(f, 10, pack.Part{Sum: f.content(pack.Data, hello), Size: 5})
		},
		"a recipe for more": func(f *forger) hash.Node {
			sum := f.content(pack.Data, hello)
			return forgeRecipe(f, 5, pack.Part{Sum: sum, Size: 5}, pack.Part{Sum: sum, Size: 5})
		},
		"a recipe that lies about a chunk": func(f *forger) hash.Node {
			sum := f.content(pack.Data, hello)
			return forgeRecipe(f, 5, pack.Part{Sum: sum, Size: 2}, pack.Part{Sum: sum, Size: 3})
		},
		"a recipe of something else": func(f *forger) hash.Node {
			return forgeRecipe(f, 5, pack.Part{Sum: f.content(pack.Data, hello), Size: 5})
		},
		"a recipe without its chunk": func(f *forger) hash.Node {
			return forgeRecipe(f, 5, pack.Part{Sum: hash.Bytes(hello), Size: 5})
		},
		"a recipe of itself": func(f *forger) hash.Node {
			r := &pack.Recipe{Pieces: true, Parts: []pack.Part{{Sum: hash.Sum{7}, Size: 5}}}
			f.named(pack.Piece, hash.Sum{7}, r.Encode())
			f.named(pack.DataRecipe, hash.Sum{7}, r.Encode())
			return fileNode(hash.Sum{7}, 5)
		},
		"pieces of pieces": func(f *forger) hash.Node {
			inner := &pack.Recipe{Pieces: true, Parts: []pack.Part{{Sum: hash.Sum{8}, Size: 5}}}
			outer := &pack.Recipe{Pieces: true, Parts: []pack.Part{{Sum: f.content(pack.Piece, inner.Encode()), Size: 5}}}
			f.named(pack.DataRecipe, hash.Sum{7}, outer.Encode())
			return fileNode(hash.Sum{7}, 5)
		},
		"a huge listing of nothing": func(f *forger) hash.Node {
			r := &pack.Recipe{Parts: []pack.Part{}}
			zeros := f.content(pack.Data, make([]byte, pack.MaxBlob))
			for range 20 {
				r.Parts = append(r.Parts, pack.Part{Sum: zeros, Size: pack.MaxBlob})
			}
			f.named(pack.TreeRecipe, hash.Sum{7}, r.Encode())
			return dirNode(hash.Sum{7}, 5, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			f := w.forger()
			n := forge(f)
			f.finish(nil)
			w.refuses(n)
		})
	}
}

// forgeTree returns a directory with one file of a name. Encode would write it as
// well, so that only what the name is speaks against it.
func forgeTree(f *forger, name string) hash.Node {
	node := fileNode(f.content(pack.Data, []byte("hello")), 5)
	tree := hash.Tree{{Name: name, Node: node}}
	return dirNode(f.content(pack.Tree, tree.Encode()), 5, 1)
}

func forgeRecipe(f *forger, size int64, parts ...pack.Part) hash.Node {
	sum := hash.Bytes([]byte("something"))
	f.named(pack.DataRecipe, sum, (&pack.Recipe{Parts: parts}).Encode())
	return fileNode(sum, size)
}

// refuses fetches what must not be brought, and does all that reads the remote.
func (w *world) refuses(n hash.Node) {
	w.t.Helper()
	want := Want{"data", n}
	_, err := w.open().Fetch(context.Background(), w.cache, []Want{want}, nil)
	if err == nil {
		w.t.Error("it is taken")
	} else if strings.Contains(err.Error(), "\x00") {
		w.t.Errorf("the error has raw bytes in it: %q", err)
	}
	if n.Kind == hash.Directory && w.cache.HasTree(n.Sum) || n.Kind == hash.File && w.cache.HasFile(n) {
		w.t.Error("it is in the cache")
	}
	roots := w.roots("me", want)
	// Whether these find something wrong is theirs; they must come to an end.
	_, _ = w.open().Fsck(context.Background(), FsckOptions{Roots: roots})
	_, _ = w.open().GC(context.Background(), GCOptions{Roots: roots, DryRun: true})
	_, _, _ = w.open().Runs(context.Background(), w.cache)
	_, _ = w.open().Push(context.Background(), w.cache, []Want{want}, PushOptions{Roots: roots})
}

// TestHostileTables lies in the table about what a pack holds.
func TestHostileTables(t *testing.T) {
	hello := []byte("hello")
	for name, lie := range map[string]func(p *pack.File){
		"an offset behind the end": func(p *pack.File) { p.Entries[0].Offset = uint32(p.Size) },
		"an offset of 4 GiB":       func(p *pack.File) { p.Entries[0].Offset = 1<<32 - 1 },
		"a size of an exabyte":     func(p *pack.File) { p.Size, p.Entries[0].Offset = 1<<60, 1<<31 },
		"a negative size":          func(p *pack.File) { p.Size = -1 },
		"a pack that is not there": func(p *pack.File) { p.Name = hash.Sum{1} },
		"a longer pack":            func(p *pack.File) { p.Size += 1000; p.Entries[0].Offset += 900 },
		"another place":            func(p *pack.File) { p.Entries[0].Offset++ },
		"a length beyond the raw":  func(p *pack.File) { p.Entries[0].Length++ },
		"an unknown kind":          func(p *pack.File) { p.Entries[0].Kind = 99 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			f := w.forger()
			sum := f.content(pack.Data, hello)
			f.finish(lie)
			w.refuses(fileNode(sum, 5))
		})
	}
}

// TestHostileRuns has entries of the run cache that would be restored to places
// where they do not belong. They are passed over: what else is there comes.
func TestHostileRuns(t *testing.T) {
	w := newWorld(t)
	f := w.forger()
	node := fileNode(hash.Bytes([]byte("hello")), 5)
	text := func(fp hash.Sum, path string) []byte {
		b := fmt.Appendf(nil, "xt-run 1\nfingerprint %s\nout ", fp)
		b = cache.AppendItem(b, &lock.Item{Path: path, Node: node})
		return fmt.Appendf(b, "end %s\n", hash.Bytes(b))
	}
	stamped := func(b []byte) []byte { return append([]byte("2026-01-02T03:04:05Z\n"), b...) }
	for i, path := range []string{"good", "../../x", "/etc/x", ".git/hooks/x", "a/../../x", ".xt/cache", ""} {
		fp := hash.Sum{byte(i)}
		f.named(pack.Run, fp, stamped(text(fp, path)))
	}
	f.named(pack.Run, hash.Sum{100}, []byte("short"))
	f.named(pack.Run, hash.Sum{101}, stamped(text(hash.Sum{102}, "other")))
	f.finish(nil)
	_, fresh, err := w.open().Runs(t.Context(), w.cache)
	if err != nil || fresh != 1 {
		t.Errorf("%d results, %v", fresh, err)
	}
	if _, _, err := w.cache.RunText(hash.Fingerprint{1}); err == nil {
		t.Error("a result that leads upwards is in the cache")
	}
}

// FuzzRoots and its like read what others have written.
func FuzzRoots(f *testing.F) {
	good := &Roots{Project: "p\nq", Owners: []string{"a", "b"}, Needs: []lock.Item{{Path: "data", Node: fileNode(hash.Sum{1}, 5)}}}
	f.Add(good.normal().encode())
	f.Add([]byte(rootsHeader))
	f.Add((&Roots{}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		b = signed(b)
		r, err := parseRoots(b)
		if err == nil && !bytes.Equal(r.encode(), b) {
			t.Errorf("another spelling is taken: %q", b)
		}
	})
}

// signed puts the right digest at the end of roots, which a fuzzer does not find.
func signed(b []byte) []byte {
	body, _, _ := bytes.Cut(b, []byte("\nend "))
	if body = append(bytes.Clone(body), '\n'); bytes.Contains(b, []byte("\nend ")) {
		return fmt.Appendf(body, "end %s\n", hash.Bytes(body))
	}
	return b
}

func FuzzDoom(f *testing.F) {
	f.Add(encodeDoom([]hash.Sum{{1}, {2}}))
	f.Add([]byte(doomHeader + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		packs, err := parseDoom(b)
		if err == nil && len(packs) > len(b)/(2*hash.Size) {
			t.Errorf("%d packs in %d bytes", len(packs), len(b))
		}
	})
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte("xt-remote 1\nid 0123456789abcdef0123456789abcdef\n"))
	f.Add([]byte("xt-remote 2\n"))
	f.Add([]byte("xt-remote 99999999999999999999\n"))
	f.Add([]byte("xt-remote 1\nid 0123456789abcdef0123456789abcdef\nrecipient age1x\n\n-----BEGIN AGE ENCRYPTED FILE-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &Remote{opts: Options{Name: "origin", Dir: "/dir"}}
		if err := r.configure(b); err != nil {
			return
		}
		if dir := r.local("x"); filepath.Dir(filepath.Dir(dir)) != filepath.FromSlash("/dir") {
			t.Errorf("it is remembered in %s", dir)
		}
	})
}

func TestRootsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &Roots{Project: rapid.String().Draw(t, "project")}
		r.Owners = rapid.SliceOf(rapid.StringMatching("[0-9a-f]{16}")).Draw(t, "owners")
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			it := lock.Item{Path: rapid.StringMatching(`[a-zé "\\]{1,5}x(/[a-z]{1,3})?`).Draw(t, "path")}
			it.Node = fileNode(hash.Sum{rapid.Byte().Draw(t, "sum")}, rapid.Int64Min(0).Draw(t, "size"))
			r.Needs = append(r.Needs, it)
		}
		r = r.normal()
		got, err := parseRoots(r.encode())
		if err != nil {
			t.Fatalf("%v: %q", err, r.encode())
		}
		if !bytes.Equal(got.encode(), r.encode()) || !got.covers(r) || !r.covers(got) {
			t.Fatalf("%+v, want %+v", got, r)
		}
		b := r.encode()
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= 1
		if _, err := parseRoots(b); err == nil {
			t.Fatal("a flipped bit goes unseen")
		}
	})
}

// TestBombsTakeLittleMemory fetches a hundred of them.
func TestBombsTakeLittleMemory(t *testing.T) {
	w := newWorld(t)
	f := w.forger()
	var wants []Want
	b := bytes.Repeat(bomb(), 200) // 1.6 GiB
	for i := range 100 {
		f.add(pack.Data, hash.Sum{byte(i)}, b, pack.MaxBlob)
		wants = append(wants, Want{fmt.Sprint(i), fileNode(hash.Sum{byte(i)}, pack.MaxBlob)})
	}
	f.finish(nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := w.open().Fetch(t.Context(), w.cache, wants, nil); err == nil {
		t.Error("they are taken")
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 400<<20 {
		t.Errorf("it took %d MiB", got>>20)
	}
}
