package cache

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// source is a file that is being read. It is an os.File less the registration
// with the poller, which counts where a file is read with one call.
type source struct {
	fd   int
	path string
	link bool     // path is a symbolic link to the file
	f    *os.File // owns fd once it is there
}

// openSource opens the file at path, following a symbolic link.
func openSource(path string) (*source, error) {
	s, err := openSourceAt(unix.AT_FDCWD, path, path, unix.O_NOFOLLOW)
	if !errors.Is(err, unix.ELOOP) {
		return s, err
	}
	if s, err = openSourceAt(unix.AT_FDCWD, path, path, 0); err == nil {
		s.link = true
	}
	return s, err
}

// openSourceAt does not wait for a writer if it meets a named pipe.
func openSourceAt(dirfd int, name, path string, flags int) (*source, error) {
	flags |= unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK
	for {
		fd, err := unix.Openat(dirfd, name, flags, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		return &source{fd: fd, path: path}, nil
	}
}

func (s *source) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: s.path, Err: err}
}

func (s *source) info() (info, error) {
	var st unix.Stat_t
	if err := unix.Fstat(s.fd, &st); err != nil {
		return info{}, s.fail("stat", err)
	}
	return infoOf(&st), nil
}

// fill reads from the file's start until buf is full or the file ends.
func (s *source) fill(buf []byte) (n int, err error) {
	for n < len(buf) {
		m, err := unix.Pread(s.fd, buf[n:], int64(n))
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return n, s.fail("read", err)
		case m == 0:
			return n, io.EOF
		}
		n += m
	}
	return n, nil
}

func (s *source) chmod(mode fs.FileMode) error {
	return s.fail("chmod", unix.Fchmod(s.fd, chmodBits(mode)))
}

// file returns s as an os.File, which must not be closed.
func (s *source) file() *os.File {
	if s.f == nil {
		s.f = os.NewFile(uintptr(s.fd), s.path)
	}
	return s.f
}

func (s *source) close() {
	if s.f != nil {
		s.f.Close()
		return
	}
	unix.Close(s.fd)
}

// linkTo gives the open file, and not what has its name by now, the name rel
// in d.
func (s *source) linkTo(d *folder, rel string) error {
	if !procMounted() {
		return s.fail("link", unix.EOPNOTSUPP)
	}
	return d.fail("link", rel, unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(s.fd), d.fd, rel, unix.AT_SYMLINK_FOLLOW))
}
