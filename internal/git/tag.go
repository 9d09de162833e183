package git

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// TagRef is a tag as git lists it, without a look at what it names.
type TagRef struct {
	Name   string // without "refs/tags/"
	Object string // of the tag itself if it is annotated, else of what it names
}

const tagPrefix = "refs/tags/"

// TagRefs returns the tags, sorted by name. It reads no objects.
func (r *Repo) TagRefs() ([]TagRef, error) {
	tags, err := r.tagRefs()
	slices.SortFunc(tags, func(a, b TagRef) int { return strings.Compare(a.Name, b.Name) })
	return tags, err
}

func (r *Repo) tagRefs() (tags []TagRef, err error) {
	// go-git takes a lock file, of a git that is at work or was killed, for a
	// reference, and fails.
	if r.repo == nil || haveCommand() {
		out, err := r.run("for-each-ref", "--format=%(objectname) %(refname)", tagPrefix)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(out)) {
			object, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			tags = append(tags, TagRef{strings.TrimPrefix(name, tagPrefix), object})
		}
		return tags, nil
	}
	iter, err := r.repo.References()
	if err != nil {
		return nil, fmt.Errorf("list git tags: %w", err)
	}
	err = iter.ForEach(func(ref *plumbing.Reference) error {
		if name, ok := strings.CutPrefix(ref.Name().String(), tagPrefix); ok && ref.Type() == plumbing.HashReference {
			tags = append(tags, TagRef{name, ref.Hash().String()})
		}
		return nil
	})
	return tags, err
}

// TagObjects returns those of the objects that are annotated tags and have at most
// limit bytes, as git stores them.
func (r *Repo) TagObjects(names []string, limit int64) (map[string][]byte, error) {
	switch {
	case len(names) == 0:
		return nil, nil
	case !haveCommand():
		return r.tagObjectsItself(names, limit)
	}
	out, err := r.runInput([]byte(strings.Join(names, "\n")+"\n"), "cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)")
	if err != nil {
		return nil, err
	}
	// What is no tag may be of any size, and is not read.
	var tags strings.Builder
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) != 3 || f[1] != "tag" {
			continue
		}
		if size, err := strconv.ParseInt(f[2], 10, 64); err == nil && size <= limit {
			tags.WriteString(f[0] + "\n")
		}
	}
	if tags.Len() == 0 {
		return nil, nil
	}
	out, err = r.runInput([]byte(tags.String()), "cat-file", "--batch")
	if err != nil {
		return nil, err
	}
	return parseBatch(out)
}

// parseBatch takes apart what "git cat-file --batch" prints.
func parseBatch(out []byte) (map[string][]byte, error) {
	objects := map[string][]byte{}
	for len(out) > 0 {
		head, rest, _ := bytes.Cut(out, []byte{'\n'})
		f := strings.Fields(string(head))
		if len(f) == 2 {
			out = rest // it went missing meanwhile
			continue
		}
		size := -1
		if len(f) == 3 {
			size, _ = strconv.Atoi(f[2])
		}
		if size < 0 || size >= len(rest) {
			return nil, fmt.Errorf("git cat-file: unexpected answer %q", head)
		}
		objects[f[0]] = rest[:size:size]
		out = rest[size+1:]
	}
	return objects, nil
}

// tagObjectsItself is [Repo.TagObjects] without a git command.
func (r *Repo) tagObjectsItself(names []string, limit int64) (map[string][]byte, error) {
	objects := map[string][]byte{}
	for _, name := range names {
		o, err := r.repo.Storer.EncodedObject(plumbing.TagObject, plumbing.NewHash(name))
		if err != nil || o.Size() > limit {
			continue
		}
		rd, err := o.Reader()
		if err != nil {
			return nil, fmt.Errorf("read git object %s: %w", name, err)
		}
		b, err := io.ReadAll(rd)
		rd.Close()
		if err != nil {
			return nil, fmt.Errorf("read git object %s: %w", name, err)
		}
		objects[name] = b
	}
	return objects, nil
}
