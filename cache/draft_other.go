//go:build !linux

package cache

import (
	"io/fs"
	"os"
)

// draft is a file that has a temporary name, and gets its real one when it is
// complete. It must be committed or discarded.
type draft struct {
	in  *folder
	tmp string // its temporary name in in
	f   *os.File
}

// draft starts a file in the folder dir of d, with perm less the umask.
func (d *folder) draft(dir string, perm fs.FileMode) (*draft, error) {
	tmp := dir + "/" + tempName()
	f, err := d.root.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_RDWR, perm)
	return &draft{in: d, tmp: tmp, f: f}, err
}

func (w *draft) write(p []byte) error {
	_, err := w.f.Write(p)
	return err
}

// file returns w as an os.File, which must not be closed.
func (w *draft) file() *os.File { return w.f }

// source returns w for reading; it must not be closed.
func (w *draft) source() *source { return &source{f: w.f, path: w.f.Name()} }

func (w *draft) chmod(mode fs.FileMode) error { return w.f.Chmod(mode) }

// sync waits until the content is on the disk.
func (w *draft) sync() error { return w.f.Sync() }

// commit gives the file its name in the folder it was started in, and closes
// it. What has the name is replaced if so asked; else the error is
// fs.ErrExist. On an error the file is gone.
func (w *draft) commit(name string, replace bool) error {
	err := w.f.Close()
	if err == nil && replace {
		err = w.in.rename(w.in, w.tmp, name)
	} else if err == nil {
		err = w.in.renameNew(w.tmp, name)
	}
	if err != nil {
		w.in.remove(w.tmp)
	}
	return err
}

// discard drops the file.
func (w *draft) discard() {
	w.f.Close()
	w.in.remove(w.tmp)
}
