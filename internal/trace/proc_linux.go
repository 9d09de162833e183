//go:build amd64 || arm64

package trace

import (
	"bytes"
	"errors"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// pageSize is the smallest of both architectures.
const pageSize = 4096

// readMemory reads up to len(b) bytes of a thread's memory; fewer than asked for
// are no error.
func readMemory(tid int, addr uint64, b []byte) (int, error) {
	addr = untag(addr)
	n, err := unix.ProcessVMReadv(tid, []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}},
		[]unix.RemoteIovec{{Base: uintptr(addr), Len: len(b)}}, 0)
	if err != unix.ENOSYS && err != unix.EPERM {
		return n, err
	}
	// Some sandboxes forbid the call, but not the file.
	f, err := os.Open("/proc/" + strconv.Itoa(tid) + "/mem")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return unix.Pread(int(f.Fd()), b, int64(addr))
}

// readString reads a path of a thread. buf is of PATH_MAX bytes.
func readString(tid int, addr uint64, buf []byte) (string, error) {
	// Most paths are short. A read never crosses into a page that may not be
	// there, since the string may end before it.
	for n, want := 0, 256; ; want = pageSize {
		at := addr + uint64(n)
		want = min(want, pageSize-int(at%pageSize), len(buf)-n)
		if want == 0 {
			return "", unix.ENAMETOOLONG
		}
		got, err := readMemory(tid, at, buf[n:n+want])
		if err != nil {
			return "", err
		}
		if got == 0 {
			return "", unix.EFAULT
		}
		if i := bytes.IndexByte(buf[n:n+got], 0); i >= 0 {
			return string(buf[:n+i]), nil
		}
		n += got
	}
}

// place is a path as a thread means it.
type place struct {
	base string // symbolic link in /proc to the directory that rel is relative to
	rel  string // "" if it is what base leads to
	path string // for the report
}

// full returns the place's name in this process, which may be longer than allowed.
func (p *place) full() string {
	if p.rel == "" {
		return p.base
	}
	return p.base + "/" + p.rel
}

var errNoPath = errors.New("names no file")

// resolve finds what a thread means by a path relative to the directory at.
func resolve(tid int, at int32, name string, inRoot bool) (place, error) {
	proc := "/proc/" + strconv.Itoa(tid)
	if strings.HasPrefix(name, "/") && !inRoot {
		rel := strings.TrimLeft(name, "/")
		if rel == "" {
			rel = "."
		}
		p := place{base: proc + "/root", rel: ofThread(rel, proc[1:]), path: "/"}
		p.path = p.clean(rel)
		return p, nil
	}
	p := place{base: proc + "/cwd", rel: strings.TrimLeft(name, "/")}
	if at != unix.AT_FDCWD {
		p.base = proc + "/fd/" + strconv.Itoa(int(at))
	}
	dir, err := os.Readlink(p.base)
	if err != nil {
		return p, err
	}
	dir, gone := strings.CutSuffix(dir, " (deleted)")
	if !strings.HasPrefix(dir, "/") || (gone && p.rel == "") {
		return p, errNoPath // such as a pipe, or memory
	}
	p.path = dir
	p.path = p.clean(p.rel)
	return p, nil
}

// ofThread replaces what would lead to this process by the folder proc of the
// thread's.
func ofThread(rel, proc string) string {
	if rest, ok := strings.CutPrefix(rel, "proc/self/"); ok {
		return proc + "/" + rest
	}
	if rest, ok := strings.CutPrefix(rel, "proc/thread-self/"); ok {
		return proc + "/" + rest
	}
	if rest, ok := strings.CutPrefix(rel, "dev/fd/"); ok {
		return proc + "/fd/" + rest
	}
	return rel
}

// clean joins name to the path of the place's directory. A .. behind a name that
// is a symbolic link leads elsewhere than the text says, so the kernel is asked.
func (p *place) clean(name string) string {
	i := strings.LastIndex(name, "/..")
	if i < 0 || strings.Trim(name[:i], "./") == "" || (i+3 < len(name) && name[i+3] != '/') {
		return path.Join(p.path, name)
	}
	up := place{base: p.base, rel: name[:i+3]}
	fd, err := up.open(unix.O_PATH | unix.O_DIRECTORY)
	if err != nil {
		return path.Join(p.path, name)
	}
	defer unix.Close(fd)
	dir, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return path.Join(p.path, name)
	}
	return path.Join(dir, name[i+3:])
}

// open opens the place, in at most two steps: both names together may be too long.
func (p *place) open(flags int) (int, error) {
	if full := p.full(); len(full) < unix.PathMax {
		return unix.Open(full, flags|unix.O_CLOEXEC, 0)
	}
	dir, err := unix.Open(p.base, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(dir)
	return unix.Openat(dir, p.rel, flags|unix.O_CLOEXEC, 0)
}

// state is what is at a place.
type state uint8

const (
	unknown state = iota
	absent
	isFile
	isDir
	isLink
)

// look finds out what is at the place.
func (p *place) look(follow bool) state {
	flags := unix.AT_NO_AUTOMOUNT
	if !follow {
		flags |= unix.AT_SYMLINK_NOFOLLOW
	}
	var st unix.Stat_t
	err := p.stat(&st, flags)
	switch {
	case err == unix.ENOENT || err == unix.ENOTDIR || err == unix.ENAMETOOLONG:
		return absent
	case err != nil:
		return unknown
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return isDir
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		return isLink
	}
	return isFile
}

func (p *place) stat(st *unix.Stat_t, flags int) error {
	if full := p.full(); len(full) < unix.PathMax {
		return unix.Fstatat(unix.AT_FDCWD, full, st, flags)
	}
	dir, err := unix.Open(p.base, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	return unix.Fstatat(dir, p.rel, st, flags)
}

// parent returns the directory that the place is in.
func (p *place) parent() place {
	rel := strings.TrimRight(p.rel, "/")
	return place{base: p.base, rel: rel[:strings.LastIndexByte(rel, '/')+1]}
}

// interpreter returns what the first line of a script says runs it; "" if the place
// is no script.
func (p *place) interpreter() string {
	var st unix.Stat_t
	// A pipe must not be opened, since someone may wait at its other end.
	if err := p.stat(&st, 0); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return ""
	}
	fd, err := p.open(unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	var head [256]byte // as much as the kernel looks at
	n, _ := unix.Read(fd, head[:])
	line, ok := strings.CutPrefix(string(head[:max(n, 0)]), "#!")
	if !ok {
		return ""
	}
	line, _, _ = strings.Cut(line, "\n")
	line = strings.Trim(line, " \t\x00")
	if i := strings.IndexAny(line, " \t"); i >= 0 {
		line = line[:i]
	}
	return line
}
