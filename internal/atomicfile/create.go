package atomicfile

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
)

// create opens a new file beside name, in the same directory because a rename
// cannot cross file systems. Unlike os.CreateTemp it honours perm and the umask.
func create(name string, perm os.FileMode) (*os.File, error) {
	for range 100 {
		tmp := name + ".xt-" + strconv.FormatUint(rand.Uint64(), 36)
		f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
}
