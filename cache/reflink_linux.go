package cache

import "golang.org/x/sys/unix"

// clone makes w share the blocks of s. The error is unsupported (see
// isUnsupported) where the file system cannot, or the two are not on one.
func (w *draft) clone(s *source) error {
	for {
		err := unix.IoctlFileClone(w.fd, s.fd)
		if err != unix.EINTR {
			return w.fail("clone", err)
		}
	}
}
