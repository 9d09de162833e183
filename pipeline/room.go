package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// room is the directory that an isolated command runs in.
type room struct {
	w    *Workspace
	root string
	scan *hash.Scanner
}

// newRoom makes a directory that holds the inputs of a step, as its entry has
// them, and nothing else. After an error there is none.
func (w *Workspace) newRoom(ctx context.Context, step *Step) (*room, error) {
	tmp := w.scratch
	if tmp == "" {
		tmp = w.state("tmp")
	}
	if err := os.MkdirAll(tmp, 0o777); err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp(tmp, "isolated-")
	if err != nil {
		return nil, err
	}
	r := &room{w: w, root: root, scan: &hash.Scanner{Root: root}}
	if err := r.furnish(ctx, step); err != nil {
		r.remove()
		return nil, fmt.Errorf("stage %s: make its directory: %w", step.Stage.Name, err)
	}
	return r, nil
}

// remove deletes the room. What cannot be deleted is left to the next xt.
func (r *room) remove() {
	if os.RemoveAll(r.root) == nil {
		return
	}
	// A command may have taken the permission to do so away.
	_ = filepath.WalkDir(r.root, func(name string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(name, 0o700)
		}
		return nil
	})
	_ = os.RemoveAll(r.root)
}

// furnish puts the inputs into the room.
func (r *room) furnish(ctx context.Context, step *Step) error {
	inputs := slices.Concat(step.Entry.Code, step.Entry.Deps, usedCalls(step.Entry))
	if err := r.w.Hold(ctx, inputs); err != nil {
		return err
	}
	for _, it := range inputs {
		if err := r.place(ctx, it); err != nil {
			return err
		}
	}
	if err := errors.Join(r.placeParams(step.Stage), r.placeIgnored(step.Stage)); err != nil {
		return err
	}
	return r.clear(step.Stage)
}

// Hold sees that the cache has inputs: from the workspace, if they stand there as
// they should be, or else from a remote, if one is asked. What neither has is left to
// whoever needs it.
func (w *Workspace) Hold(ctx context.Context, inputs []lock.Item) error {
	var lacking []lock.Item
	for _, it := range inputs {
		if w.stored(it.Node) {
			continue
		}
		n, err := w.Scan.Put(ctx, it.Path, w.copies)
		if err != nil && !absent(err) {
			return err
		}
		if !n.Same(it.Node) {
			lacking = append(lacking, it)
		}
	}
	if len(lacking) > 0 && w.elsewhere != nil {
		return w.obtain(ctx, lacking)
	}
	return nil // placing them says what is missing
}

// placeIgnored copies the ignore files above the outputs: they decide what of a
// directory belongs to it.
func (r *room) placeIgnored(s *Stage) error {
	dirs := map[string]bool{}
	for _, o := range s.Outs {
		for dir := path.Dir(o.Path); !dirs[dir]; dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	for dir := range dirs {
		name := path.Join(dir, hash.IgnoreFile)
		b, err := os.ReadFile(r.w.path(name))
		if absent(err) {
			continue
		}
		if err == nil {
			err = os.MkdirAll(r.path(dir), 0o777)
		}
		if err == nil {
			err = os.WriteFile(r.path(name), b, 0o666)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// placeParams writes the files that the command may read its parameters from, with
// the values that these are to have this time.
func (r *room) placeParams(s *Stage) error {
	files := s.paramFiles()
	var settings []ParamSetting
	for _, o := range r.w.Graph.Overrides {
		if set := o.setting(); slices.Contains(files, set.File) {
			settings = append(settings, set)
		}
	}
	edited, _, err := withSettings(r.w.config, settings)
	if err != nil {
		return err
	}
	for _, file := range files {
		text, ok := edited[file]
		if !ok {
			b, err := r.w.config.ReadFile(file)
			if err != nil {
				return err
			}
			text = string(b)
		}
		if err := os.MkdirAll(filepath.Dir(r.path(file)), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(r.path(file), []byte(text), 0o666); err != nil {
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
