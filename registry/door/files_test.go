package door

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/registry"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/sql"
)

// cached are files that a cache has, and that a store links.
type cached struct {
	*cache.Cache
	store   *sql.Store
	brought int
}

func (f *cached) Bring(context.Context, *registry.Version) error { f.brought++; return nil }

func (f *cached) Artifact(ctx context.Context, p track.Path, n hash.Node) error {
	_, err := f.store.LinkArtifact(ctx, p, n)
	return err
}

// TestFiles asks for the files of versions that are outputs of the project.
func TestFiles(t *testing.T) {
	p, ctx := open(t), t.Context()
	c := must(cache.Open(t.TempDir(), cache.Options{}))
	store := must(sql.Open(ctx, filepath.Join(t.TempDir(), "runs.db"), sql.Options{Cache: c}))
	t.Cleanup(func() { store.Close() })
	files := &cached{Cache: c, store: store}
	p.Registry.Registry, p.Runs, p.Artifacts, p.Files = store, store, store, files

	p.write("one.txt", "1")
	for name, text := range map[string]string{"a": "1", "deep/b": "2"} {
		file := filepath.Join(p.dir, "model", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(p.dir, "linked"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../one.txt", filepath.Join(p.dir, "linked", "link")); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{"one.txt", "model", "linked", ""} {
		note := registry.Note{Path: path}
		if path != "" {
			note.Node = must((&hash.Scanner{Root: p.dir}).Put(ctx, path, c))
		}
		name := "of-" + strings.TrimSuffix(path, ".txt") + "x"
		must(p.Tags.Register(ctx, registry.Registration{Model: name, Commit: must(p.Repo.Head()), Note: note}))
	}

	for name, want := range map[string]string{"of-onex": "one.txt", "of-modelx": "a deep/b"} {
		for range 2 { // the second time they are there
			url, err := p.ModelVersionFiles(ctx, name, 1)
			if err != nil || url != must(p.ModelVersion(ctx, name, 1)).Source || !strings.HasPrefix(url, "mlflow-artifacts:/models/"+name+"@v0.0.1/") {
				t.Errorf("%s: %s, %v", name, url, err)
			}
			root, _ := track.ArtifactPathOf(url)
			var got []string
			_ = store.WalkArtifacts(ctx, root, func(a track.Artifact) error {
				got = append(got, strings.TrimPrefix(a.Path.String(), root.String()+"/"))
				return nil
			})
			if fmt.Sprint(got) != "["+want+"]" {
				t.Errorf("%s: %s", name, got)
			}
		}
	}
	if files.brought != 2 {
		t.Errorf("they were brought %d times", files.brought)
	}
	for name, want := range map[string]string{"of-linkedx": "is a symbolic link", "of-x": "its tag of-x@v0.0.1 does not say which", "none": "not found"} {
		if _, err := p.ModelVersionFiles(ctx, name, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What a client registered is where the client said.
	must(p.CreateRegisteredModel(ctx, "net", "", nil))
	must(p.CreateModelVersion(ctx, track.NewModelVersion{Name: "net", Source: "models:/m-1", StorageLocation: "s3://x"}))
	if url, err := p.ModelVersionFiles(ctx, "net", 1); err != nil || url != "s3://x" {
		t.Errorf("%s, %v", url, err)
	}
}
