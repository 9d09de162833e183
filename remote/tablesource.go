package remote

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/remote/pack"
)

// wholeTable is the size in bytes up to which a table is read at once. A bigger
// one is read where it is needed, and as a whole when that is most of it.
const wholeTable = 32 << 20

func (r *Remote) openTable(ctx context.Context, n note) (*table, error) {
	src := &tableSource{r: r, note: n}
	if err := src.begin(ctx); err != nil {
		return nil, err
	}
	t, err := pack.OpenTable(ctx, src.reader(), src.length())
	if err != nil {
		return nil, fmt.Errorf("remote %s: %s: %w", r.opts.Name, n.key, err)
	}
	return &table{t, n, src}, nil
}

// tableSource reads a table: from memory, from the disk here, or from the
// remote.
type tableSource struct {
	r    *Remote
	note note

	mu   sync.Mutex
	mem  pack.Bytes
	file *os.File // closed by its finalizer
	size int64    // of what is here
	read int64    // bytes that were read from the remote
}

// inMemory is the size in bytes up to which a table is kept in memory.
const inMemory = 64 << 20

func (s *tableSource) path() string { return s.r.local("index", s.note.sum.String()) }

func (s *tableSource) begin(ctx context.Context) error {
	if err := s.openLocal(); err == nil {
		return nil
	}
	if s.note.size <= wholeTable || s.r.keys != nil {
		return s.fetch(ctx)
	}
	return nil
}

// openLocal takes the table that is on the disk. It was verified when it was
// written; a look-up in one that was spoiled since finds too little, or blobs
// that are not what they should be, which then shows.
func (s *tableSource) openLocal() error {
	f, err := os.Open(s.path())
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	s.size = info.Size()
	if s.size > inMemory {
		s.file = f
		return nil
	}
	defer f.Close()
	b := make([]byte, s.size)
	if _, err := io.ReadFull(f, b); err != nil {
		return err
	}
	s.mem = b
	return nil
}

// fetch brings the whole table here.
func (s *tableSource) fetch(ctx context.Context) error {
	if s.note.size > wholeTable {
		if err := s.r.download(ctx, s.note, s.path()); err != nil {
			return err
		}
		return s.openLocal()
	}
	b, err := s.r.readNamed(ctx, s.note.key, s.note.size, wholeTable, s.note.sum)
	if err != nil {
		return err
	}
	_ = keepFile(s.path(), b) // or it is read again the next time
	s.mem, s.size = b, int64(len(b))
	return nil
}

// keepFile writes a file of what need not be asked of the remote again.
func keepFile(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return atomicfile.WriteFast(path, b, 0o666)
}

func (s *tableSource) length() int64 {
	if s.isLocal() {
		return s.size
	}
	return s.note.size
}

func (s *tableSource) reader() pack.Reader {
	if s.mem != nil {
		return s.mem
	}
	return s
}

// isLocal reports whether the whole table is here.
func (s *tableSource) isLocal() bool { return s.mem != nil || s.file != nil }

// ReadAt implements [pack.Reader].
func (s *tableSource) ReadAt(ctx context.Context, p []byte, off int64) error {
	mem, file, err := s.local(ctx, int64(len(p)))
	switch {
	case err != nil:
		return err
	case mem != nil:
		return mem.ReadAt(ctx, p, off)
	case file != nil:
		_, err := file.ReadAt(p, off)
		return err
	}
	return s.r.store.Read(ctx, s.note.key, off, p)
}

// requestCost is the number of bytes that might have been read in the time of a
// request.
const requestCost = 256 << 10

// local returns what is here of the table, of which n bytes are wanted. It
// brings it here when so much was read of it that this would have been cheaper.
func (s *tableSource) local(ctx context.Context, n int64) (pack.Bytes, *os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isLocal() {
		if s.read += n + requestCost; s.read >= s.note.size {
			if err := s.fetch(ctx); err != nil {
				return nil, nil, err
			}
		}
	}
	return s.mem, s.file, nil
}

// forget removes from the disk here what the remote no longer has. That may fail:
// it is only for the room.
func (r *Remote) forget(folder string, has []note) {
	entries, err := os.ReadDir(r.local(folder))
	if err != nil {
		return
	}
	names := make(map[string]bool, len(has))
	for _, n := range has {
		names[n.sum.String()] = true
	}
	for _, e := range entries {
		if !names[e.Name()] {
			_ = os.Remove(r.local(folder, e.Name()))
		}
	}
}
