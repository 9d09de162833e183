//go:build unix && !linux

package cache

import (
	"io/fs"
	"syscall"
)

// linkCount is how many names the file has.
func linkCount(i fs.FileInfo) uint64 {
	if st, ok := i.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink)
	}
	return 1
}

// isPrivilege is about Windows.
func isPrivilege(error) bool { return false }
