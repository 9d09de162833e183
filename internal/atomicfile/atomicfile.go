// Package atomicfile replaces files so that a reader, or a kill at any moment,
// sees the old content or the new and nothing between.
package atomicfile

import (
	"os"
	"path/filepath"
)

// Write replaces the file at name with data. The new file is on disk before it
// takes the name, so that a power cut cannot leave an empty file under it.
// An existing file's permissions are kept; a new one gets perm less the umask.
// A symbolic link at name is followed, so that the link survives.
func Write(name string, data []byte, perm os.FileMode) error {
	return write(name, data, perm, true)
}

// WriteFast is [Write] without the wait for the disk: safe against a kill, but
// not against a power cut. It is for files that can be made anew.
func WriteFast(name string, data []byte, perm os.FileMode) error {
	return write(name, data, perm, false)
}

func write(name string, data []byte, perm os.FileMode, sync bool) (err error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	f, err := create(name, perm)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if old, err := os.Stat(name); err == nil && old.Mode().Perm() != perm {
		// Best effort: on some file systems modes cannot be set.
		_ = f.Chmod(old.Mode().Perm())
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if sync {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
