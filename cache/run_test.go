package cache

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

func TestRunCache(t *testing.T) {
	p := newProject(t)
	p.sample("out dir")
	p.write("m.json", "{}")
	outs := []lock.Item{{Path: "out dir", Node: p.put("out dir")}, {Path: "m.json", Node: p.put("m.json")}}
	fp := hash.Fingerprint(hash.Bytes([]byte("inputs")))
	var miss *MissError
	if _, err := p.cache.Run(fp); !errors.As(err, &miss) {
		t.Fatalf("before: %v, want a MissError", err)
	}
	for range 2 { // the second replaces the first
		if err := p.cache.PutRun(fp, outs); err != nil {
			t.Fatal(err)
		}
	}
	got, err := p.cache.Run(fp)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(outs, got); diff != "" {
		t.Error(diff)
	}

	if err := os.Remove(p.cache.path(objects, outs[1].Sum)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.cache.Run(fp); !errors.As(err, &miss) {
		t.Errorf("with an output gone: %v, want a MissError", err)
	}
}

func TestRunCacheIgnoresDamage(t *testing.T) {
	fp := hash.Fingerprint(hash.Bytes([]byte("inputs")))
	good := encodeRun(fp, []lock.Item{{Path: "a", Node: hash.Node{Kind: hash.File, Sum: hash.Bytes(nil)}}})
	if _, err := ParseRun(fp, good); err != nil {
		t.Fatal(err)
	}
	for i := range good {
		if _, err := ParseRun(fp, good[:i]); err == nil {
			t.Errorf("the first %d bytes are accepted", i)
		}
		bad := append([]byte(nil), good...)
		bad[i] ^= 1
		if _, err := ParseRun(fp, bad); err == nil {
			t.Errorf("with byte %d changed it is accepted", i)
		}
	}
	if _, err := ParseRun(hash.Fingerprint{}, good); err == nil {
		t.Error("the entry of another fingerprint is accepted")
	}
}

func TestRunTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fp := hash.Fingerprint(hash.Bytes(rapid.SliceOf(rapid.Byte()).Draw(t, "inputs")))
		var outs []lock.Item
		for range rapid.IntRange(0, 4).Draw(t, "n") {
			b := rapid.SliceOfN(rapid.ByteRange(1, 255), 1, 20).Draw(t, "path")
			if checkPath(string(b)) != nil {
				continue
			}
			outs = append(outs, lock.Item{Path: string(b), Node: hash.Node{
				Kind:   hash.Kind(rapid.IntRange(1, 4).Draw(t, "kind")),
				Sum:    hash.Bytes(b),
				Size:   rapid.Int64Min(0).Draw(t, "size"),
				Files:  rapid.Int64Min(0).Draw(t, "files"),
				Target: string(rapid.SliceOf(rapid.Byte()).Draw(t, "target")),
			}})
		}
		got, err := ParseRun(fp, encodeRun(fp, outs))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(outs, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// FuzzParseRun feeds parseRun bodies with a right digest, so that the fuzzer
// gets behind it.
func FuzzParseRun(f *testing.F) {
	fp := hash.Fingerprint(hash.Bytes(nil))
	good := encodeRun(fp, []lock.Item{{Path: "a/b", Node: hash.Node{Kind: hash.Symlink, Sum: hash.Bytes(nil), Target: "x"}}})
	f.Add(string(good[:len(good)-69]))
	f.Fuzz(func(t *testing.T, body string) {
		b := append([]byte(body), "end "+hash.Bytes([]byte(body)).String()+"\n"...)
		outs, err := ParseRun(fp, b)
		if err == nil && string(encodeRun(fp, outs)) != string(b) {
			t.Errorf("%q is accepted and would be written otherwise", b)
		}
	})
}
