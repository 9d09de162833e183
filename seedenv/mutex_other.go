//go:build !unix || solaris || aix

package seedenv

import (
	"os"

	"github.com/gofrs/flock"
)

// tryLock takes the lock if it is free; unlock is nil if it is not. Children do
// not share it.
func tryLock(path string) (held *os.File, unlock func(), err error) {
	file := flock.New(path)
	ok, err := file.TryLock()
	if err != nil || !ok {
		return nil, nil, err
	}
	return nil, func() { _ = file.Unlock() }, nil
}
