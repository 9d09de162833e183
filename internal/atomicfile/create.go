package atomicfile

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// infix stands between the name of a file and the random end of its draft's.
const infix = ".xt-"

// Sweep removes what writers of the file at name left when they were killed. It
// must not be called while another one is at work.
func Sweep(name string) error {
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), filepath.Base(name)+infix) {
			if err := os.Remove(filepath.Join(filepath.Dir(name), e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// create opens a new file beside name, in the same directory because a rename
// cannot cross file systems. Unlike os.CreateTemp it honours perm and the umask.
func create(name string, perm os.FileMode) (*os.File, error) {
	for range 100 {
		tmp := name + infix + strconv.FormatUint(rand.Uint64(), 36)
		f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
}
