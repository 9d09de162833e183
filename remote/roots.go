package remote

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// Roots is what the branches of a clone of a project need, as it was when the
// clone last pushed. Nothing of it is deleted from the remote.
type Roots struct {
	Project string      // its name, for people and to keep projects apart
	Owners  []string    // the clones whose needs are in it, each a random word
	Needs   []lock.Item // sorted by path, and for a path by digest
}

// Roots are stored as text:
//
//	xt-roots 1
//	project "NAME"
//	owner WORD
//	need KIND SUM SIZE FILES "PATH" "TARGET"
//	end HEX
//
// with a line for each owner and need, and in the last line the digest of all
// before it.
const rootsHeader = "xt-roots 1\n"

func compareNeeds(a, b lock.Item) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), bytes.Compare(a.Sum[:], b.Sum[:]), cmp.Compare(a.Kind, b.Kind))
}

// normal returns the roots sorted and without what is there twice.
func (r *Roots) normal() *Roots {
	n := &Roots{Project: r.Project, Owners: slices.Clone(r.Owners), Needs: slices.Clone(r.Needs)}
	slices.Sort(n.Owners)
	n.Owners = slices.Compact(n.Owners)
	slices.SortFunc(n.Needs, compareNeeds)
	n.Needs = slices.CompactFunc(n.Needs, func(a, b lock.Item) bool { return compareNeeds(a, b) == 0 })
	return n
}

func (r *Roots) encode() []byte {
	b := []byte(rootsHeader)
	b = fmt.Appendf(b, "project %+q\n", r.Project)
	for _, o := range r.Owners {
		b = fmt.Appendf(b, "owner %s\n", o)
	}
	for i := range r.Needs {
		b = cache.AppendItem(append(b, "need "...), &r.Needs[i])
	}
	return fmt.Appendf(b, "end %s\n", hash.Bytes(b))
}

// parseRoots reads what encode wrote, and nothing else.
func parseRoots(b []byte) (*Roots, error) {
	const endLen = len("end \n") + 2*hash.Size
	if len(b) < endLen {
		return nil, errors.New("cut short")
	}
	body, end := b[:len(b)-endLen], b[len(b)-endLen:]
	if string(end) != fmt.Sprintf("end %s\n", hash.Bytes(body)) {
		return nil, errors.New("its digest does not match")
	}
	rest, ok := bytes.CutPrefix(body, []byte(rootsHeader))
	if !ok {
		return nil, fmt.Errorf("want the first line %q", strings.TrimSpace(rootsHeader))
	}
	r := new(Roots)
	for line := range bytes.Lines(rest) {
		if err := r.line(line); err != nil {
			return nil, err
		}
	}
	if !bytes.Equal(r.normal().encode(), b) {
		return nil, errors.New("not in the canonical spelling")
	}
	return r, nil
}

func (r *Roots) line(line []byte) (err error) {
	word, rest, _ := bytes.Cut(line, []byte(" "))
	value := strings.TrimSuffix(string(rest), "\n")
	switch string(word) {
	case "project":
		r.Project, err = strconv.Unquote(value)
	case "owner":
		r.Owners = append(r.Owners, value)
	case "need":
		var it lock.Item
		it, err = cache.ParseItem(rest)
		r.Needs = append(r.Needs, it)
	default:
		err = fmt.Errorf("unknown line %.80q", line)
	}
	return err
}

// covers reports whether r needs all that s does. Both are sorted.
func (r *Roots) covers(s *Roots) bool {
	needs := r.Needs
	for _, n := range s.Needs {
		i, ok := slices.BinarySearchFunc(needs, n, compareNeeds)
		if !ok {
			return false
		}
		needs = needs[i+1:]
	}
	return true
}

const maxRoots = 1 << 30

func (r *Remote) readRoots(ctx context.Context, n note) (*Roots, error) {
	b, err := r.readNote(ctx, n, maxRoots)
	if err != nil {
		return nil, err
	}
	roots, err := parseRoots(b)
	if err != nil {
		return nil, fmt.Errorf("remote %s: %s: %w", r.opts.Name, n.key, err)
	}
	return roots, nil
}

// rootsKey returns what the keys of a project's roots begin with.
func rootsKey(project string) string {
	sum := hash.Bytes([]byte("xt-project " + project))
	return rootsPrefix + sum.String()[:16] + "-"
}

// claim writes down what the project needs, before the caller looks at what the
// remote has. Roots that the new ones cover are taken over: they are deleted, and
// their owners become owners of the new ones, so that whoever gives up its own
// needs does not give up another's. A continuous integration that pushes from a
// fresh clone each time so leaves one of them.
func (r *Remote) claim(ctx context.Context, roots *Roots) error {
	notes, err := r.listNotes(ctx)
	if err != nil {
		return err
	}
	mine := roots.normal()
	var covered []string
	for _, n := range notes.roots {
		if !strings.HasPrefix(n.key, rootsKey(mine.Project)) {
			continue
		}
		old, err := r.readRoots(ctx, n)
		if damaged := (*DamagedError)(nil); errors.Is(err, fs.ErrNotExist) || errors.As(err, &damaged) {
			continue // taken over by another push just now, or to be mended by a check
		}
		if err != nil {
			return err
		}
		switch {
		case !mine.covers(old):
		case old.covers(mine) && subset(mine.Owners, old.Owners) && len(covered) == 0:
			return nil // just that is there
		default:
			covered = append(covered, n.key)
			mine.Owners = append(mine.Owners, old.Owners...)
		}
	}
	text := mine.normal().encode()
	n, err := r.writeNote(ctx, rootsKey(mine.Project), text)
	if err != nil {
		return err
	}
	covered = slices.DeleteFunc(covered, func(key string) bool { return key == n.key })
	return r.store.Delete(ctx, covered)
}

func subset(a, b []string) bool {
	for _, s := range a {
		if !slices.Contains(b, s) {
			return false
		}
	}
	return true
}
