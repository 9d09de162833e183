package download

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/xtrepro/xt/internal/atomicfile"
)

// Part is a file that is being downloaded. What came of it survives an end in
// between, but not a kill: only what is known to be on the disk is gone on with.
type Part struct {
	path      string
	f         *os.File
	size      int64  // that has come
	validator string // that the rest must have too; "" if it cannot be asked for
	version   string
	total     int64 // of the whole; -1 if it is not known
}

// note is what a Part leaves beside its file.
type note struct {
	Size      int64  `json:"size"`
	Total     int64  `json:"total"`
	Validator string `json:"validator"`
	Version   string `json:"version,omitempty"`
}

func noteOf(path string) string { return path + ".json" }

// OpenPart opens the file at path, and goes on with it if it was given up.
func OpenPart(path string) (*Part, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	p := &Part{path: path, f: f, total: -1}
	if err := p.resume(); err != nil {
		f.Close()
		return nil, err
	}
	return p, nil
}

// resume takes up what the note vouches for. It is used up: after a kill nobody
// knows what is in the file.
func (p *Part) resume() error {
	var n note
	b, err := os.ReadFile(noteOf(p.path))
	if err == nil {
		err = json.Unmarshal(b, &n)
	}
	info, statErr := p.f.Stat()
	if err == nil && statErr == nil && n.Validator != "" && n.Size > 0 && info.Size() >= n.Size {
		p.size, p.total, p.validator, p.version = n.Size, n.Total, n.Validator, n.Version
	}
	if err := p.forget(); err != nil {
		return err
	}
	if err := p.f.Truncate(p.size); err != nil {
		return err
	}
	_, err = p.f.Seek(p.size, io.SeekStart)
	return err
}

func (p *Part) forget() error {
	err := os.Remove(noteOf(p.path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Path returns where the file is.
func (p *Part) Path() string { return p.path }

// Close gives the file up. It is kept for the next time if there is a way to go
// on with it, and removed otherwise.
func (p *Part) Close() error {
	if p.f == nil {
		return nil
	}
	err := p.f.Sync()
	if closeErr := p.f.Close(); err == nil {
		err = closeErr
	}
	p.f = nil
	if err == nil && p.validator != "" && p.size > 0 {
		b, jsonErr := json.Marshal(note{p.size, p.total, p.validator, p.version})
		return errors.Join(jsonErr, atomicfile.Write(noteOf(p.path), b, 0o666))
	}
	return errors.Join(err, os.Remove(p.path))
}

// Remove removes the file and all that is known of it.
func (p *Part) Remove() error {
	if p.f != nil {
		p.f.Close()
		p.f = nil
	}
	err := os.Remove(p.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, p.forget())
}

func (p *Part) truncate() error {
	p.size = 0
	if err := p.f.Truncate(0); err != nil {
		return &diskError{err}
	}
	_, err := p.f.Seek(0, io.SeekStart)
	return err
}

func (p *Part) write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	p.size += int64(n)
	return n, err
}
