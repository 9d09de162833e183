//go:build !unix

package cache

import (
	"errors"
	"io/fs"
	"syscall"
)

// linkCount is 1: the system does not say it cheaply.
func linkCount(fs.FileInfo) uint64 { return 1 }

// isPrivilege reports whether err means that the user may not make symbolic
// links, or that files are on two volumes.
func isPrivilege(err error) bool {
	const (
		notSameDevice    = syscall.Errno(17)
		privilegeNotHeld = syscall.Errno(1314)
	)
	return errors.Is(err, notSameDevice) || errors.Is(err, privilegeNotHeld)
}
