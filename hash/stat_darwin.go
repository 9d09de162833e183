package hash

import (
	"io/fs"
	"syscall"
)

// addSystem adds what Go's portable FileInfo leaves out.
func addSystem(s *Stat, info fs.FileInfo) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	s.Ctime = st.Ctimespec.Nano()
	s.Ino = st.Ino
	s.Dev = uint64(uint32(st.Dev))
}
