package importer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/track"
)

// File is an artifact of a source: Path below that of its run.
type File struct {
	Path  string
	Size  int64 // -1 if it is not known
	Local bool  // it is on this machine, where it may grow and is read quickly
	Open  func() (io.ReadCloser, error)
}

func (j *job) countFile(f *File) error {
	j.report.Artifacts++
	j.report.Bytes += min(max(f.Size, 0), math.MaxInt64-j.report.Bytes) // a server may say anything
	return nil
}

// files stores artifacts below the URL of a run or model here. It is false if some
// have to wait for another import. Trusted says that what is there already was
// stored by an import of this source.
func (j *job) files(what, uri string, trusted bool, each func(func(*File) error) error) (whole bool, err error) {
	root, ok := track.ArtifactPathOf(uri)
	if !ok {
		return true, nil // its clients find them where they were
	}
	whole = true
	err = each(func(f *File) error {
		p, err := root.Join(f.Path)
		if err != nil || p == root {
			j.Warn(what, fmt.Sprintf("the artifact %q has a name that cannot be kept", f.Path))
			return nil
		}
		if j.isStored(p, f, trusted) {
			return j.stored(f.Size)
		}
		ok, err := j.store(what, p, f)
		whole = whole && ok
		return err
	})
	return whole, err
}

// isStored reports whether an artifact is there as the source has it. What comes
// over a network is not read again for that.
func (j *job) isStored(p track.Path, f *File, trusted bool) bool {
	a, err := j.dst.Artifact(j.ctx, p)
	if err != nil || a.IsDir || a.Node.Size != f.Size {
		return false
	}
	if !f.Local {
		return trusted
	}
	sum, err := sumOf(f)
	return err == nil && sum == a.Node.Sum
}

func sumOf(f *File) (sum hash.Sum, err error) {
	r, err := f.Open()
	if err != nil {
		return sum, err
	}
	var s hash.Stream
	if _, err := io.Copy(&s, r); err != nil {
		return sum, errors.Join(err, r.Close())
	}
	return s.Sum(), r.Close()
}

// store stores an artifact. It is false, with a warning, if that has to wait for
// another import.
func (j *job) store(what string, p track.Path, f *File) (ok bool, err error) {
	for try := 1; ; try++ {
		size, err := j.put(p, f)
		bad := (*sourceError)(nil)
		switch {
		case err == nil:
			return true, j.stored(size)
		case j.ctx.Err() != nil:
			return false, err
		case errors.As(err, &bad) && (f.Local || bad.final):
			j.Warn(what, fmt.Sprintf("the artifact %q: %s", f.Path, reason(bad.err)))
			return !f.Local && !errors.Is(err, errSize), nil // a server that refuses it will do so again
		case bad != nil && try < maxTries:
			continue
		case track.CodeOf(err) == track.InvalidParameter:
			j.Warn(what, fmt.Sprintf("the artifact %q: %v", f.Path, err))
			return true, nil
		default:
			return false, err
		}
	}
}

// put stores an artifact once, and returns its size.
func (j *job) put(p track.Path, f *File) (int64, error) {
	r, err := f.Open()
	if err != nil {
		return 0, asSourceError(err)
	}
	b := &body{r: r, left: f.Size}
	if f.Local {
		b.left = -1
	}
	a, err := j.dst.PutArtifact(j.ctx, p, b)
	return a.Node.Size, errors.Join(err, r.Close())
}

// sourceError is an error of what is read, and not of what is written.
type sourceError struct {
	err   error
	final bool // it would be the same again
}

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

func asSourceError(err error) error {
	status := (*statusError)(nil)
	return &sourceError{err, errors.Is(err, errSize) || errors.As(err, &status) && !status.passing()}
}

// errSize is about a file that was listed with another size than it has.
var errSize = errors.New("the server sends more or less than it announced")

// body reads a file that has so many bytes, if left is not negative.
type body struct {
	r    io.Reader
	left int64
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left >= 0 {
		if int64(n) > b.left || err == io.EOF && int64(n) < b.left { //nolint:errorlint // one that is wrapped is no end
			return 0, asSourceError(errSize)
		}
		b.left -= int64(n)
	}
	if err != nil && err != io.EOF { //nolint:errorlint // as above
		err = asSourceError(err)
	}
	return n, err
}

func (j *job) stored(size int64) error {
	j.report.Artifacts++
	j.report.Bytes += size
	if j.File != nil {
		j.File(size)
	}
	return nil
}

var errLarger = errors.New("is larger")

// readAll reads what is not larger than max bytes, and closes it.
func readAll(r io.ReadCloser, max int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, max+1))
	if err == nil && int64(len(b)) > max {
		err = fmt.Errorf("%w than %d bytes", errLarger, max)
	}
	return b, errors.Join(err, r.Close())
}

// reason returns the error without the path that the warning names already.
func reason(err error) string {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

func hasTag(tags []track.Tag, key string) bool {
	return slices.ContainsFunc(tags, func(t track.Tag) bool { return t.Key == key })
}

func tagOf(tags []track.Tag, key string) string {
	for _, t := range tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}
