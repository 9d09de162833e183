package importer

import (
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// places are the folders in which artifacts may be that a URL names.
type places struct {
	dirs   []string // in which a server or a client kept artifacts
	follow bool     // whether a path of this machine counts, too
	base   string   // which paths are relative to
}

// open returns the folders that may be what uri names, which ends in below, such
// as RUN/artifacts. The end is what keeps a hostile source from naming others.
func (p places) open(uri, below string) []*os.Root {
	var found []*os.Root
	rest, local := artifactRest(uri)
	if !strings.HasSuffix("/"+filepath.ToSlash(rest), "/"+below) {
		return nil
	}
	if local && p.follow {
		dir := rest
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(p.base, dir)
		}
		if r, err := os.OpenRoot(dir); err == nil {
			return []*os.Root{r}
		}
	}
	tail := strings.Trim(filepath.ToSlash(rest), "/")
	if local { // the folder of the experiment, and what is below
		group := path.Base(strings.TrimSuffix("/"+strings.TrimSuffix(tail, below), "/"))
		tail = path.Join(group, below)
	}
	for _, dir := range p.dirs {
		if r, err := openBelow(dir, tail); err == nil {
			found = append(found, r)
		}
	}
	return found
}

// any reports whether one of the folders is there.
func (p places) any() bool {
	for _, dir := range p.dirs {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return true
		}
	}
	return false
}

// openBelow opens a folder in another that links do not lead out of.
func openBelow(dir, below string) (*os.Root, error) {
	top, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	r, err := top.OpenRoot(filepath.FromSlash(below))
	return r, errors.Join(err, top.Close())
}

// artifactRest returns the path that a URL has, and whether it is one of this
// machine. It is "" for what is elsewhere.
func artifactRest(uri string) (rest string, local bool) {
	if after, ok := strings.CutPrefix(uri, "mlflow-artifacts:"); ok {
		if host, ok := strings.CutPrefix(after, "//"); ok {
			_, after, _ = strings.Cut(host, "/")
		}
		return strings.TrimPrefix(after, "/"), false
	}
	if strings.HasPrefix(uri, "file:") {
		u, err := url.Parse(uri)
		if err != nil || u.Host != "" && u.Host != "localhost" {
			return "", false
		}
		at := u.Path
		if u.Opaque != "" {
			at = u.Opaque
		}
		if runtime.GOOS == "windows" {
			at = strings.TrimPrefix(at, "/")
		}
		return filepath.FromSlash(at), true
	}
	if scheme, _, ok := strings.Cut(uri, ":/"); ok && len(scheme) > 1 {
		return "", false
	}
	return uri, true
}

// walkTree calls f for the files in a folder. Links and special files are passed
// over.
func walkTree(root *os.Root, warn func(name, problem string), f func(*File) error) error {
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			warn(name, reason(err))
			return nil
		}
		if d.IsDir() {
			return nil
		}
		if !d.Type().IsRegular() {
			warn(name, "is neither a file nor a folder")
			return nil
		}
		info, err := d.Info()
		if err != nil {
			warn(name, reason(err))
			return nil
		}
		return f(&File{name, info.Size(), true, func() (io.ReadCloser, error) { return root.Open(filepath.FromSlash(name)) }})
	})
}

// walkTrees is walkTree for several, which it closes.
func walkTrees(roots []*os.Root, warn func(where, problem string), f func(*File) error) error {
	var errs []error
	for _, r := range roots {
		if errors.Join(errs...) == nil {
			errs = append(errs, walkTree(r, func(name, problem string) { warn(filepath.Join(r.Name(), filepath.FromSlash(name)), problem) }, f))
		}
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}
