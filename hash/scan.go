package hash

import (
	"context"
	"os"
	"path"
	"path/filepath"
)

// Store is where [Scanner.Put] puts what it reads.
type Store interface {
	// HasTree reports whether the directory listing sum is stored, and all
	// that it names.
	HasTree(sum Sum) bool
	// HasFile reports whether the bytes of the file n are stored.
	HasFile(n Node) bool
	// PutFile stores the file at the absolute path and returns its digest and
	// size. It may put a link to the stored file in its place.
	PutFile(ctx context.Context, path string) (Sum, int64, error)
	// PutTree stores the listing of a directory. It is called when everything
	// that the listing names is stored.
	PutTree(sum Sum, encoded []byte) error
}

// Scanner finds out what stands at paths of a workspace, reading only what has
// changed since the Index was written.
type Scanner struct {
	// Root is the absolute path of the workspace. The paths that are scanned
	// have slashes and are relative to it.
	Root string
	// Index remembers between scans; nil for no memory.
	Index *Index
	// Objects is the absolute path of a folder of stored files, named by their
	// digest as ab/cdef…; a link to one of them counts as the file itself. It
	// may be empty.
	Objects string
	// Jobs is how many files are hashed at a time; 0 for as many as there are
	// processors.
	Jobs int
	// OnFile, if not nil, is told the size of each file that was read. It is
	// called from several goroutines.
	OnFile func(bytes int64)
}

// Result is what a scan found at one path.
type Result struct {
	Node Node
	Err  error
}

// Scan returns what stands at path. An error wraps [io/fs.ErrNotExist] if
// nothing does.
func (s *Scanner) Scan(ctx context.Context, path string) (Node, error) { return s.Put(ctx, path, nil) }

// ScanAll scans each of paths, side by side.
func (s *Scanner) ScanAll(ctx context.Context, paths []string) []Result {
	res := make([]Result, len(paths))
	for i, p := range paths {
		res[i].Node, res[i].Err = s.Scan(ctx, p)
	}
	return res
}

// Put is Scan and stores what it finds in st.
func (s *Scanner) Put(ctx context.Context, path string, st Store) (Node, error) {
	p := filepath.Join(s.Root, filepath.FromSlash(path))
	if t, err := filepath.EvalSymlinks(p); err == nil {
		p = t
	}
	return s.put(ctx, p, path, st)
}

func (s *Scanner) put(ctx context.Context, abs, rel string, st Store) (Node, error) {
	if err := ctx.Err(); err != nil {
		return Node{}, err
	}
	stat, kind, err := StatOf(abs)
	if err != nil {
		return Node{}, err
	}
	switch kind {
	case Symlink:
		t, err := os.Readlink(abs)
		return Node{Kind: Symlink, Sum: Bytes([]byte(t)), Size: int64(len(t)), Target: t}, err
	case Directory:
		ents, err := os.ReadDir(abs)
		if err != nil {
			return Node{}, err
		}
		var t Tree
		for _, e := range ents {
			if reserved(e.Name()) {
				continue
			}
			n, err := s.put(ctx, filepath.Join(abs, e.Name()), path.Join(rel, e.Name()), st)
			if err != nil {
				return Node{}, err
			}
			t = append(t, Entry{e.Name(), n})
		}
		n := t.Node()
		if st != nil && !st.HasTree(n.Sum) {
			err = st.PutTree(n.Sum, t.Encode())
		}
		return n, err
	}
	put := FileSum
	if st != nil {
		put = st.PutFile
	}
	sum, size, err := put(ctx, abs)
	n := Node{Kind: kind, Sum: sum, Size: size}
	if err == nil && s.Index != nil {
		s.Index.SetFile(rel, Record{Name: path.Base(rel), Stat: stat, Node: n, Racy: true})
	}
	return n, err
}
