package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// sftpParams is what the address of a folder on an SSH server may hold.
var sftpParams = []string{"identity", "known_hosts"}

// remoteFolder is a disk on an SSH server. All requests go over one
// connection, which is made when it is needed and again when it was lost.
type remoteFolder struct {
	login *login
	path  string // relative to the home if it doesn't begin with a slash
	mu    sync.Mutex
	cur   *session // nil if there is none
}

// session is one connection to an SSH server.
type session struct {
	*sftp.Client
	ssh  *ssh.Client
	conn *conn
}

func openSFTP(u *url.URL, w *wire, opts Options) (driver, error) {
	l, err := newLogin(u, w, opts)
	if err != nil {
		return nil, err
	}
	dir := path.Clean("/" + u.Path)
	if home, ok := strings.CutPrefix(dir+"/", "/~/"); ok {
		dir = path.Clean(home)
	}
	return &tree{
		disk:    &remoteFolder{login: l, path: dir},
		version: func(fs.FileInfo) string { return "" }, // times are in whole seconds
	}, nil
}

// connection returns the connection, which it makes if there is none.
func (f *remoteFolder) connection(ctx context.Context) (*session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cur != nil {
		return f.cur, nil
	}
	s, err := f.login.connect(ctx)
	if err == nil {
		f.cur = s
	}
	return s, err
}

// drop gives up a connection, and with it all requests on it.
func (f *remoteFolder) drop(s *session) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cur == s {
		f.cur = nil
	}
	_ = s.ssh.Close() // it is lost either way
}

func (f *remoteFolder) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cur != nil {
		_ = f.cur.Client.Close()
		_ = f.cur.ssh.Close()
		f.cur = nil
	}
	return nil
}

// with calls do with a connection. The library knows no contexts: a request
// that is cancelled takes the connection with it.
func (f *remoteFolder) with(ctx context.Context, name string, do func(s *session, full string) error) error {
	s, err := f.connection(ctx)
	if err != nil {
		return err
	}
	defer s.conn.use()()
	stop := context.AfterFunc(ctx, func() { f.drop(s) })
	defer stop()
	err = do(s, path.Join(f.path, name))
	if err != nil && isBroken(err) {
		f.drop(s)
		if s.conn.stalled.Load() {
			err = errStalled
		}
	}
	return err
}

func (f *remoteFolder) stat(ctx context.Context, name string) (i fs.FileInfo, err error) {
	err = f.with(ctx, name, func(s *session, full string) error {
		i, err = s.Stat(full)
		return err
	})
	return i, err
}

func (f *remoteFolder) read(ctx context.Context, name string, off int64, p []byte) (n int, err error) {
	short := false
	err = f.with(ctx, name, func(s *session, full string) error {
		file, err := s.Open(full)
		if err != nil {
			return err
		}
		defer file.Close()
		n, err = file.ReadAt(p, off)
		if err == io.EOF {
			short, err = n < len(p), nil
		}
		return err
	})
	if err == nil && short {
		err = ErrShort
	}
	return n, err
}

func (f *remoteFolder) write(ctx context.Context, name string, data []byte) error {
	return f.with(ctx, name, func(s *session, full string) error {
		file, err := s.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
		if err != nil {
			return err
		}
		_, err = file.ReadFrom(bytes.NewReader(data))
		if closeErr := file.Close(); err == nil {
			err = closeErr
		}
		return s.explainFull(err, path.Dir(full), len(data))
	})
}

// explainFull asks for the space that is left when a write fails: for a full
// disk the protocol has no other word than failure.
func (s *session) explainFull(err error, dir string, need int) error {
	var status *sftp.StatusError
	if !errors.As(err, &status) {
		return err
	}
	if room, statErr := s.StatVFS(dir); statErr == nil && room.Bavail*room.Frsize < uint64(need) {
		return &trouble{kind: Full, text: "no space is left there", err: err}
	}
	return err
}

func (f *remoteFolder) replace(ctx context.Context, from, to string) error {
	return f.with(ctx, to, func(s *session, full string) error {
		return s.PosixRename(path.Join(f.path, from), full)
	})
}

// place renames as the protocol has it, which fails where there is something.
func (f *remoteFolder) place(ctx context.Context, from, to string) error {
	return f.with(ctx, to, func(s *session, full string) error {
		err := s.Rename(path.Join(f.path, from), full)
		if err == nil || isBroken(err) {
			return err
		}
		if _, statErr := s.Lstat(full); statErr == nil {
			return fmt.Errorf("rename to %s: %w", full, fs.ErrExist)
		}
		return err
	})
}

func (f *remoteFolder) remove(ctx context.Context, name string) error {
	return f.with(ctx, name, func(s *session, full string) error { return s.Remove(full) })
}

func (f *remoteFolder) mkdir(ctx context.Context, name string) error {
	return notAbsent(f.with(ctx, name, func(s *session, full string) error { return s.MkdirAll(full) }))
}

func (f *remoteFolder) entries(ctx context.Context, name string) (all []fs.FileInfo, err error) {
	err = f.with(ctx, name, func(s *session, full string) error {
		all, err = s.ReadDirContext(ctx, full)
		return err
	})
	return all, err
}
