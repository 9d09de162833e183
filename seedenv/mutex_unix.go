//go:build unix && !solaris && !aix

package seedenv

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock takes the lock if it is free; unlock is nil if it is not. flock(2)
// rather than fcntl(2): its locks belong to the open file, and so to children.
func tryLock(path string) (held *os.File, unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR) {
			return nil, nil, nil
		}
		return nil, nil, err
	}
	return f, func() { f.Close() }, nil
}
