package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"filippo.io/age"

	"github.com/xtrepro/xt/hash"
)

// readNote returns a blob below meta, from the disk here where it was read
// before.
func (r *Remote) readNote(ctx context.Context, n note, most int64) ([]byte, error) {
	path := r.local("notes", n.sum.String())
	if b, err := os.ReadFile(path); err == nil && len(b) > hash.Size {
		// What was decrypted does not have the digest of its name.
		text, sum := b[hash.Size:], hash.Sum(b[:hash.Size])
		if hash.Bytes(text) == sum {
			return text, nil
		}
	}
	b, err := r.readNamed(ctx, n.key, n.size, most, n.sum)
	if err == nil {
		sum := hash.Bytes(b)
		_ = keepFile(path, append(sum[:], b...)) // or it is read again the next time
	}
	return b, err
}

// writeNote stores b below meta, under a key that begins with prefix.
func (r *Remote) writeNote(ctx context.Context, prefix string, b []byte) (note, error) {
	b, sum, err := r.seal(b)
	if err != nil {
		return note{}, err
	}
	key := prefix + sum.String()
	return note{key: key, sum: sum, size: int64(len(b))}, r.store.Put(ctx, key, b)
}

// piece is how many bytes of something long are read at a time.
const piece = 8 << 20

// maxTable bounds in bytes what is downloaded: a table of two thousand million
// blobs.
const maxTable = 100 << 30

// download brings a long blob below meta to a file here, after comparing it with
// its digest and decrypting it.
func (r *Remote) download(ctx context.Context, n note, path string) error {
	if n.size > maxTable {
		return fmt.Errorf("remote %s: %s has %d bytes, which is more than it can have", r.opts.Name, n.key, n.size)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".download-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := r.copyNote(ctx, n, f); err != nil {
		return err
	}
	if r.keys == nil {
		return errors.Join(f.Close(), os.Rename(f.Name(), path))
	}
	return r.decryptFile(f, path)
}

func (r *Remote) copyNote(ctx context.Context, n note, f *os.File) error {
	r.logf("reading the index of remote %s", r.opts.Name)
	h := new(hash.Stream)
	buf := make([]byte, piece)
	for off := int64(0); off < n.size; off += piece {
		p := buf[:min(piece, n.size-off)]
		if err := r.store.Read(ctx, n.key, off, p); err != nil {
			return err
		}
		_, _ = h.Write(p) // never fails
		if _, err := f.Write(p); err != nil {
			return err
		}
	}
	if h.Sum() != n.sum {
		return &DamagedError{Remote: r.opts.Name, What: n.key}
	}
	return nil
}

func (r *Remote) decryptFile(f *os.File, path string) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	src, err := age.Decrypt(f, r.keys.identity)
	if err != nil {
		return fmt.Errorf("remote %s: decrypt its index: %w", r.opts.Name, err)
	}
	out, err := os.CreateTemp(filepath.Dir(path), ".download-")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	_, err = io.Copy(out, src)
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), path)
}
