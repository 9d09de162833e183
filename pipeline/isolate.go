package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// apart runs the command in a clean directory that holds the stage's declared
// inputs and nothing else, and then brings the outputs into the workspace. A
// command that reads something undeclared fails there.
func (e *execution) apart(ctx context.Context) (outs []lock.Item, err error) {
	w, s := e.w, e.step.Stage
	tmp := w.state("tmp")
	if err := os.MkdirAll(tmp, 0o777); err != nil {
		return nil, err
	}
	if e.root, err = os.MkdirTemp(tmp, "isolated-"); err != nil {
		return nil, err
	}
	defer os.RemoveAll(e.root)
	room := &room{w: w, root: e.root, scan: &hash.Scanner{Root: e.root}}
	if err := room.furnish(ctx, e.step); err != nil {
		return nil, fmt.Errorf("stage %s: make its directory: %w", s.Name, err)
	}
	again := func() error { return room.clear(s) }
	if err := e.attempts(ctx, again); err != nil {
		return nil, err
	}
	if err := w.pythonUnchanged(ctx, e.step); err != nil {
		return nil, err
	}
	if outs, err = w.takeOuts(ctx, s, room.scan); err != nil {
		return nil, err
	}
	if e.res.Kept, err = w.makeRoom(ctx, s); err != nil {
		return nil, err
	}
	return outs, room.deliver(ctx, s, outs)
}

// room is the directory that an isolated command runs in.
type room struct {
	w    *Workspace
	root string
	scan *hash.Scanner
}

// furnish puts the inputs into the room, as the fingerprint has them.
func (r *room) furnish(ctx context.Context, step *Step) error {
	for _, it := range slices.Concat(step.Entry.Code, step.Entry.Deps) {
		n, err := r.w.Scan.Put(ctx, it.Path, r.w.copies)
		if err != nil {
			return err
		}
		if !n.Same(it.Node) {
			return fmt.Errorf("%s changed just now", it.Path)
		}
		if err := r.place(ctx, it); err != nil {
			return err
		}
	}
	if err := r.placeParams(step.Stage); err != nil {
		return err
	}
	return r.clear(step.Stage)
}

// placeParams copies the files that the command may read its parameters from.
func (r *room) placeParams(s *Stage) error {
	for _, file := range s.paramFiles() {
		b, err := Dir(r.w.Root).ReadFile(file)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(r.path(file)), 0o777)
		}
		if err == nil {
			err = os.WriteFile(r.path(file), b, 0o666)
		}
		if err != nil {
			return err
		}
	}
	return r.w.paramsUnchanged(s)
}

// place brings a stored file or directory into the room, as a copy: the command
// may write to what it finds.
func (r *room) place(ctx context.Context, it lock.Item) error {
	if err := os.MkdirAll(filepath.Dir(r.path(it.Path)), 0o777); err != nil {
		return err
	}
	_, err := r.w.copies.Checkout(ctx, cache.Workspace{Scanner: r.scan}, it.Path, it.Node, cache.CheckoutOptions{})
	return err
}

// clear makes the directories that the command and its outputs need, and removes
// what an earlier attempt left.
func (r *room) clear(s *Stage) error {
	errs := []error{os.MkdirAll(r.path(s.Wdir), 0o777)}
	for _, o := range s.Outs {
		errs = append(errs, os.RemoveAll(r.path(o.Path)), os.MkdirAll(filepath.Dir(r.path(o.Path)), 0o777))
	}
	return errors.Join(errs...)
}

// deliver brings the outputs into the workspace, where room was made for them.
func (r *room) deliver(ctx context.Context, s *Stage, outs []lock.Item) error {
	for i, it := range outs {
		if !s.Outs[i].stored() {
			if err := os.Rename(r.path(it.Path), r.w.path(it.Path)); err != nil {
				return err
			}
			continue
		}
		if err := r.w.checkout(ctx, s, it); err != nil {
			return err
		}
	}
	return nil
}

func (r *room) path(rel string) string { return filepath.Join(r.root, filepath.FromSlash(rel)) }
