package remote

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
)

// sending is something that the remote lacks, or an entry of the run cache.
type sending struct {
	kind pack.Kind // Data for a file, Tree, or Run
	sum  hash.Sum
	size int64  // of a file
	path string // one of the paths that it belongs at
	text []byte // of a run
}

// survey finds out what the remote lacks of something.
type survey struct {
	*index
	cache *cache.Cache
	// lost, if not nil, is what the remote does not have whole although it is in the
	// index. Then what it has of a directory proves nothing.
	lost map[hash.Sum]bool

	list     []sending // each after all that it names
	seen     map[hash.Sum]bool
	missing  []cache.Missing
	unsent   map[hash.Sum]bool // directories of which neither side has all
	files    int64             // that are on the remote, or going to be
	bytes    int64             // in these
	newFiles int64             // that the remote lacks
	newBytes int64             // in these
}

// look adds what the remote lacks of the wants to the list. It counts on what it
// finds there.
func (s *survey) look(ctx context.Context, wants []Want) error {
	s.seen, s.unsent = map[hash.Sum]bool{}, map[hash.Sum]bool{}
	for part := range chunked(wants, 1000) {
		if _, err := s.level(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

func chunked[T any](list []T, n int) func(yield func([]T) bool) {
	return func(yield func([]T) bool) {
		for len(list) > 0 {
			part := list[:min(n, len(list))]
			if !yield(part) {
				return
			}
			list = list[len(part):]
		}
	}
}

// level looks at some wants that lie side by side. whole says that all of them
// are on the remote, or going to be.
func (s *survey) level(ctx context.Context, wants []Want) (whole bool, err error) {
	sums := make([]hash.Sum, 0, len(wants))
	for _, w := range wants {
		if !s.seen[w.Node.Sum] && w.Node.Kind != hash.Symlink {
			sums = append(sums, w.Node.Sum)
		}
	}
	found, err := s.locate(ctx, sums, true)
	if err != nil {
		return false, err
	}
	whole = true
	for _, w := range wants {
		ok, err := s.one(ctx, w, found[w.Node.Sum])
		if err != nil {
			return false, err
		}
		whole = whole && ok
	}
	return whole, nil
}

func (s *survey) one(ctx context.Context, w Want, at []pack.Location) (whole bool, err error) {
	if w.Node.Kind == hash.Symlink {
		return true, nil
	}
	if s.seen[w.Node.Sum] {
		return !s.unsent[w.Node.Sum], nil
	}
	s.seen[w.Node.Sum] = true
	if w.Node.Kind == hash.Directory {
		return s.directory(ctx, w, at)
	}
	if l, ok := pick(at, pack.Data, pack.DataRecipe); ok && !s.lost[w.Node.Sum] {
		s.count(l)
		s.there(1, w.Node.Size)
		return true, nil
	}
	if !s.cache.HasFile(w.Node) {
		s.lack(w)
		return false, nil
	}
	s.there(1, w.Node.Size)
	s.newFiles++
	s.newBytes += w.Node.Size
	s.list = append(s.list, sending{kind: pack.Data, sum: w.Node.Sum, size: w.Node.Size, path: w.Path})
	return true, nil
}

// there counts what is on the remote, or going to be.
func (s *survey) there(files, bytes int64) {
	s.files += files
	s.bytes += bytes
}

func (s *survey) lack(w Want) {
	s.missing = append(s.missing, cache.Missing{Path: w.Path, Sum: w.Node.Sum, Kind: w.Node.Kind})
	s.unsent[w.Node.Sum] = true
}

// directory looks at what is below a directory, unless the remote has it: then it
// has all of that as well.
func (s *survey) directory(ctx context.Context, w Want, at []pack.Location) (whole bool, err error) {
	l, has := pick(at, pack.Tree, pack.TreeRecipe)
	if has && s.lost == nil {
		s.count(l)
		s.there(w.Node.Files, w.Node.Size)
		return true, nil
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	t, err := s.cache.Tree(w.Node.Sum)
	damaged := (*cache.DamagedError)(nil)
	if errors.Is(err, fs.ErrNotExist) || errors.As(err, &damaged) {
		s.lack(w)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	below := make([]Want, len(t))
	for i := range t {
		below[i] = Want{path.Join(w.Path, t[i].Name), t[i].Node}
	}
	whole, err = s.level(ctx, below)
	if err != nil {
		return false, err
	}
	if !whole {
		s.unsent[w.Node.Sum] = true
		return false, nil
	}
	if !has || s.lost[w.Node.Sum] {
		s.list = append(s.list, sending{kind: pack.Tree, sum: w.Node.Sum, path: w.Path})
	}
	return true, nil
}
