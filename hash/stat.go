package hash

import (
	"fmt"
	"io/fs"
	"time"
)

// Stat is what lstat says about a file that would be different if its content
// were. A path whose Stat is that of a trusted [Record] need not be read.
type Stat struct {
	Size         int64
	Mtime, Ctime int64 // nanoseconds since 1970; Ctime is 0 where the system has none
	Ino          uint64
	// Dev is the device that Ino belongs to. It is neither compared nor
	// remembered by the [Index], because systems number their devices anew at
	// each mount.
	Dev  uint64
	Mode uint32 // the bits of an [fs.FileMode], including its type
}

// Same reports whether s and t are of the same file in the same state.
func (s Stat) Same(t Stat) bool {
	s.Dev = t.Dev
	return s == t
}

// Tick bounds how coarse the clock is that stamps files: two changes less than
// a tick apart may leave the same times. 10 ms is the tick of Linux at its
// lowest rate.
const Tick = 10 * time.Millisecond

// coarseTick is the tick of file systems that keep no fractions of a second:
// FAT counts in steps of two.
const coarseTick = 2 * time.Second

// Settled returns the time from which on a change to the file must show in its
// Stat. Who reads the file from then on may trust the Stat as long as it stays
// the same; who read it earlier may have missed a change within the tick.
//
// It is the time of the last change of the inode that decides where there is
// one, because programs set the modification time at will.
func (s Stat) Settled() time.Time {
	changed := s.Ctime
	if changed == 0 {
		changed = s.Mtime
	}
	tick := Tick
	if changed%int64(time.Second) == 0 {
		tick = coarseTick
	}
	return time.Unix(0, changed).Add(tick)
}

// Racy reports whether a reading that began at the given time may have missed
// a change that the Stat does not show.
func (s Stat) Racy(begun time.Time) bool { return !begun.After(s.Settled()) }

// SealTime returns the modification time of a file that is sealed at t: a whole
// second.
func SealTime(t time.Time) time.Time { return t.Truncate(time.Second) }

// Sealed reports whether a stored file looks as its store left it: a regular
// file that nobody may write to, with the modification time of [SealTime]. Whoever
// writes to it all the same, as root can through a link, leaves a time that has
// a fraction of a second; where the file system keeps no fractions that does
// not show.
func (s Stat) Sealed() bool {
	mode := fs.FileMode(s.Mode)
	return mode.IsRegular() && mode&0o222 == 0 && s.Mtime%int64(time.Second) == 0
}

// kind returns the kind that the mode stands for, 0 if xt has none for it.
func (s Stat) kind() Kind {
	mode := fs.FileMode(s.Mode)
	switch {
	case mode.IsDir():
		return Directory
	case mode&fs.ModeSymlink != 0:
		return Symlink
	case !mode.IsRegular():
		return 0
	case mode&0o100 != 0:
		return Executable
	}
	return File
}

// StatOf looks at path without following a link. What is neither a file, a
// directory nor a link is an [*UnsupportedError].
func StatOf(path string) (Stat, Kind, error) {
	s, err := lstat(path)
	if err != nil {
		return Stat{}, 0, err
	}
	k := s.kind()
	if k == 0 {
		return Stat{}, 0, unsupported(path, s)
	}
	return s, k, nil
}

// UnsupportedError says that something at Path is not what xt can version.
type UnsupportedError struct {
	Path string
	What string // such as "a socket"
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s is %s, which cannot be versioned", e.Path, e.What)
}

func unsupported(path string, s Stat) error {
	what := "of an unknown type"
	switch mode := fs.FileMode(s.Mode); {
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	case mode&fs.ModeNamedPipe != 0:
		what = "a named pipe"
	case mode&fs.ModeDevice != 0:
		what = "a device"
	}
	return &UnsupportedError{Path: path, What: what}
}
