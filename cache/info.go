package cache

import (
	"io/fs"
	"time"

	"github.com/xtrepro/xt/hash"
)

// info is what lstat says about a file.
type info struct {
	hash.Stat
	links uint64 // how many names the file has; 1 where the system does not say
}

func (i info) mode() fs.FileMode { return fs.FileMode(i.Mode) }

func (i info) isRegular() bool { return i.mode().IsRegular() }

// isWritable reports whether anyone may write to the file.
func (i info) isWritable() bool { return i.mode()&0o222 != 0 }

// isExecutable reports whether its owner may execute the file, which is all
// that xt versions of a mode.
func (i info) isExecutable() bool { return i.mode()&0o100 != 0 }

// modified is when the file was written, or last used by xt.
func (i info) modified() time.Time { return time.Unix(0, i.Mtime) }

// lastUse is when anything last happened to the file: it was written, used, or
// given another name.
func (i info) lastUse() time.Time { return time.Unix(0, max(i.Mtime, i.Ctime)) }
