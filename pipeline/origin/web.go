package origin

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/download"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote"
)

// fromWeb downloads a file.
func (f *Fetcher) fromWeb(ctx context.Context, src Source, known *lock.Data) (content Content, err error) {
	part, err := f.openPart(src)
	if err != nil {
		return Content{}, err
	}
	whole := false // then it may be one with an object, which must not be written to
	defer func() {
		if whole || f.Parts == "" {
			err = errors.Join(err, part.Remove())
			return
		}
		err = errors.Join(err, part.Close())
	}()
	d := &download.Downloader{MaxSize: f.MaxSize, Log: f.Log, Progress: progressOf(f.Transfer.Progress)}
	var before download.Known
	if known != nil {
		before = download.Known{Version: known.Origin.Version, Size: known.Size}
	}
	r, err := d.Get(ctx, src.URL, part, before)
	if err != nil {
		return Content{}, err
	}
	whole = true
	origin := lock.Origin{Source: src.URL, Version: r.Version}
	if r.Unchanged {
		return Content{Node: known.Node, Origin: origin, Unchanged: true}, nil
	}
	n, err := f.takeFile(ctx, part.Path())
	return Content{Node: n, Origin: origin}, err
}

// progressOf keeps a nil one nil.
func progressOf(p remote.Progress) download.Progress {
	if p == nil {
		return nil
	}
	return p
}

// takeFile stores a file that is nobody's but xt's.
func (f *Fetcher) takeFile(ctx context.Context, path string) (hash.Node, error) {
	c, err := f.sharing()
	if err != nil {
		return hash.Node{}, err
	}
	sum, size, err := c.PutFile(ctx, path)
	return hash.Node{Kind: hash.File, Sum: sum, Size: size}, err
}

// keepParts is how long a download that was given up can be gone on with.
const keepParts = 14 * 24 * time.Hour

// openPart opens the file that a download goes to: where downloads are kept, the
// one that was given up, under the digest of its address.
func (f *Fetcher) openPart(src Source) (*download.Part, error) {
	dir := f.Parts
	if dir == "" {
		dir = f.Temp
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	sweepParts(f.Parts)
	return download.OpenPart(filepath.Join(dir, hash.Bytes([]byte(src.URL)).String()))
}

// sweepParts removes what nobody came back for. Trouble is left to the next one.
func sweepParts(dir string) {
	if dir == "" {
		return
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > keepParts {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
