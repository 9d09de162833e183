package door

import (
	"cmp"
	"context"
	"errors"
	"path"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/registry"
	"github.com/xtrepro/xt/track"
)

// Files are the bytes of the versions that "xt model register" made, which are
// outputs of the project and no artifacts of a run.
type Files interface {
	// Bring makes sure that Tree and Artifact find what a version is.
	Bring(ctx context.Context, v *registry.Version) error
	// Tree returns the listing of a directory.
	Tree(sum hash.Sum) (hash.Tree, error)
	// Artifact makes a file an artifact of the store.
	Artifact(ctx context.Context, p track.Path, n hash.Node) error
}

// ModelVersionFiles implements [track.Registry]. The files of a version that says
// only which output of the project it is become artifacts when they are asked for.
func (r *Registry) ModelVersionFiles(ctx context.Context, name string, number int64) (string, error) {
	full, v, err := r.version(ctx, name, number)
	if full == "" {
		return r.Registry.ModelVersionFiles(ctx, name, number)
	}
	if err != nil {
		return "", err
	}
	mv, n := versionOf(name, v), v.Note()
	if place := cmp.Or(mv.StorageLocation, mv.Source); place != placeOf(name, v) || place == "" {
		if place == "" {
			err = track.Errorf(track.NotFound, "Model Version (name=%s, version=%d) has no files: its tag %s@%s does not say which they are", name, number, full, v.Name)
		}
		return place, err
	}
	root, ok := track.ArtifactPathOf(mv.Source)
	if !ok {
		return "", track.Errorf(track.InvalidParameter, "Model Version (name=%s, version=%d): no artifact can have its name", name, number)
	}
	here, err := r.isPlaced(ctx, root, n.Node)
	if here || err != nil {
		return mv.Source, err
	}
	if err := r.Files.Bring(ctx, v); err != nil {
		return "", track.Errorf(track.NotFound, "the files of %s@%s cannot be had: %v", full, v.Name, err)
	}
	if n.Node.Kind != hash.Directory {
		if root, err = root.Join(path.Base(n.Path)); err != nil {
			return "", err
		}
	}
	return mv.Source, r.put(ctx, root, n.Node)
}

// placeOf returns where the files of a version are that is an output of the
// project; "" if its tag does not say which.
func placeOf(name string, v *registry.Version) string {
	n := v.Note()
	if n.Path == "" || n.Node.IsZero() {
		return ""
	}
	return "mlflow-artifacts:/models/" + name + "@" + v.Name + "/" + n.Node.Sum.String()
}

// isPlaced reports whether all files of a version are artifacts.
func (r *Registry) isPlaced(ctx context.Context, root track.Path, n hash.Node) (bool, error) {
	want, got := max(n.Files, 1), int64(0)
	enough := errors.New("as many as there can be")
	err := r.Artifacts.WalkArtifacts(ctx, root, func(track.Artifact) error {
		if got++; got > want {
			return enough
		}
		return nil
	})
	if errors.Is(err, enough) {
		err = nil
	}
	return got == want, err
}

// put makes what a node is artifacts, at p and below.
func (r *Registry) put(ctx context.Context, p track.Path, n hash.Node) error {
	switch n.Kind {
	case hash.File, hash.Executable:
		return r.Files.Artifact(ctx, p, n)
	case hash.Symlink:
		return track.Errorf(track.InvalidParameter, "%s is a symbolic link, which clients of MLflow cannot be given; \"xt model get\" brings it", p)
	}
	t, err := r.Files.Tree(n.Sum)
	for i := range t {
		if err != nil {
			break
		}
		var at track.Path
		if at, err = p.Join(t[i].Name); err == nil {
			err = r.put(ctx, at, t[i].Node)
		}
	}
	return err
}
