package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// committerItself is [Repo.Committer] without a git command.
func (r *Repo) committerItself() (Ident, error) {
	id := Ident{Time: time.Now().Truncate(time.Second)}
	if c, err := r.repo.ConfigScoped(config.SystemScope); err == nil {
		id.Name, id.Email = c.User.Name, c.User.Email
	}
	for name, to := range map[string]*string{"GIT_COMMITTER_NAME": &id.Name, "GIT_COMMITTER_EMAIL": &id.Email} {
		if v := os.Getenv(name); v != "" {
			*to = v
		}
	}
	if id.Name == "" || id.Email == "" {
		return Ident{}, &IdentError{Msg: "user.name and user.email are not set"}
	}
	return id, nil
}

// createTagsItself is [Repo.CreateTags] without a git command, which cannot sign.
// Names appear one after the other: should it be killed then, the first ones are
// there.
func (r *Repo) createTagsItself(tags []NewTag, opts TagOptions) error {
	if opts.Sign {
		return ErrNoCommand
	}
	for _, t := range tags {
		if _, err := r.repo.Reference(plumbing.NewTagReferenceName(t.Name), false); err == nil {
			return &TagsExistError{t.Name}
		}
	}
	for _, t := range tags {
		o := r.repo.Storer.NewEncodedObject()
		tag := &object.Tag{Name: t.Name, Message: t.Message, TargetType: plumbing.CommitObject, Target: plumbing.NewHash(t.Commit),
			Tagger: object.Signature{Name: opts.By.Name, Email: opts.By.Email, When: opts.By.Time}}
		if err := tag.Encode(o); err != nil {
			return fmt.Errorf("make tag %s: %w", t.Name, err)
		}
		h, err := r.repo.Storer.SetEncodedObject(o)
		if err != nil {
			return fmt.Errorf("make tag %s: %w", t.Name, err)
		}
		if err := r.newRef(tagPrefix+t.Name, h.String()); err != nil {
			return err
		}
	}
	return nil
}

// newRef writes a reference that must not be there: whole, and then under its
// name, which a hard link takes only if it is free.
func (r *Repo) newRef(ref, object string) error {
	name := filepath.Join(r.Common, filepath.FromSlash(ref))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(r.Common, "xt-ref-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(object + "\n")
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	err = os.Link(f.Name(), name)
	if errors.Is(err, fs.ErrExist) {
		return &TagsExistError{ref[len(tagPrefix):]}
	}
	return err
}
