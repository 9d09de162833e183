package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// LogsDir is where, below [StateDir], the output of commands is written while they
// go on.
const LogsDir = "logs"

// NewLog makes a file in a directory, which it makes too, for the output of a
// command that is about to begin.
func NewLog(dir string) (*os.File, error) {
	for range 100 {
		name := fmt.Sprintf("%s-%04x.log", time.Now().UTC().Format("20060102T150405.000"), rand.Uint32()&0xffff)
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrNotExist) {
			if err = os.MkdirAll(dir, 0o777); err == nil {
				continue
			}
		}
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
	return nil, fmt.Errorf("no free name for a file in %s", dir)
}
