package git

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Ref is a branch or tag and the commit that it leads to.
type Ref struct {
	Name   string // in full, as "refs/heads/main"
	Commit string
}

// Refs returns all branches, remote-tracking branches, tags and the stash,
// in no order.
func (r *Repo) Refs() ([]Ref, error) {
	if r.repo == nil {
		return r.refsFromCommand()
	}
	iter, err := r.repo.References()
	if err != nil {
		return nil, fmt.Errorf("list git refs: %w", err)
	}
	var refs []Ref
	err = iter.ForEach(func(ref *plumbing.Reference) error {
		if ref.Type() != plumbing.HashReference {
			return nil
		}
		if commit, ok := r.peel(ref.Hash()); ok {
			refs = append(refs, Ref{ref.Name().String(), commit})
		}
		return nil
	})
	return refs, err
}

// peel follows annotated tags to the commit; tags of other things have none.
func (r *Repo) peel(h plumbing.Hash) (string, bool) {
	for range 10 {
		tag, err := r.repo.TagObject(h)
		if err != nil {
			break
		}
		h = tag.Target
	}
	_, err := r.repo.CommitObject(h)
	return h.String(), err == nil
}

func (r *Repo) refsFromCommand() ([]Ref, error) {
	out, err := r.run("for-each-ref", "--format=%(refname) %(objectname) %(*objectname)")
	if err != nil {
		return nil, err
	}
	var refs []Ref
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) >= 2 {
			refs = append(refs, Ref{f[0], f[len(f)-1]})
		}
	}
	return refs, nil
}

// Commits calls f for each commit that is reachable from a ref, newest first.
func (r *Repo) Commits(f func(commit string) error) error {
	if r.repo == nil {
		out, err := r.run("rev-list", "--all")
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(out)) {
			if err := f(strings.TrimSpace(line)); err != nil {
				return err
			}
		}
		return nil
	}
	iter, err := r.repo.Log(&gogit.LogOptions{All: true})
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list git commits: %w", err)
	}
	return iter.ForEach(func(c *object.Commit) error { return f(c.Hash.String()) })
}

// ReadFileAt returns one file of the commit that rev names, without listing the
// others. An absent path is [fs.ErrNotExist].
func (r *Repo) ReadFileAt(rev, path string) ([]byte, error) {
	commit, err := r.Resolve(rev)
	if err != nil {
		return nil, err
	}
	if commit == "" {
		return nil, notExist(rev, path)
	}
	if r.repo == nil {
		out, err := r.run("cat-file", "blob", commit+":"+path)
		if err != nil {
			return nil, errors.Join(notExist(rev, path), err)
		}
		return out, nil
	}
	c, err := r.repo.CommitObject(plumbing.NewHash(commit))
	if err != nil {
		return nil, fmt.Errorf("read commit %s: %w", commit, err)
	}
	f, err := c.File(path)
	if errors.Is(err, object.ErrFileNotFound) {
		return nil, notExist(rev, path)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s at %s: %w", path, rev, err)
	}
	return r.blob(f.Hash.String())
}

// Commit is one entry of git's log.
type Commit struct {
	Hash    string
	Author  string
	Time    time.Time
	Subject string
}

// LastChange returns the newest commit reachable from HEAD, but not from since
// unless that is empty, that changed path. ok is false where there is none or
// git does not know.
func (r *Repo) LastChange(path, since string) (c Commit, ok bool) {
	list := r.Changes(path, since, 1)
	if len(list) == 0 {
		return Commit{}, false
	}
	return list[0], true
}

// Changes returns the commits that [Repo.LastChange] would find the newest of, at most
// so many of them; none where git does not know.
func (r *Repo) Changes(path, since string, most int) []Commit {
	if !haveCommand() {
		return nil
	}
	if since != "" {
		since += ".."
	}
	out, err := r.run("--literal-pathspecs", "log", "-"+strconv.Itoa(most), "--format=%H%x00%an%x00%aI%x00%s", since+"HEAD", "--", path)
	if err != nil {
		return nil
	}
	var list []Commit
	for line := range strings.Lines(string(out)) {
		f := strings.SplitN(strings.TrimSpace(line), "\x00", 4)
		if len(f) != 4 {
			continue
		}
		if when, err := time.Parse(time.RFC3339, f[2]); err == nil {
			list = append(list, Commit{f[0], f[1], when, f[3]})
		}
	}
	return list
}

// notExist is what a read of a path that git does not have returns.
func notExist(rev, path string) error {
	if rev == "" {
		rev = "the index"
	}
	return &fs.PathError{Op: "read from " + rev, Path: path, Err: fs.ErrNotExist}
}

// MergeBase returns the commit that two revisions have in common last; "" if they
// have none.
func (r *Repo) MergeBase(a, b string) (string, error) {
	if strings.HasPrefix(a, "-") || strings.HasPrefix(b, "-") {
		return "", &RevisionError{Rev: a}
	}
	out, err := r.run("merge-base", a, b)
	return strings.TrimSpace(string(out)), err
}
