package origin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote/store"
)

// holding is what a source has in a store.
type holding struct {
	st      store.Store
	prefix  string       // of the keys, which the names of the files do not have
	blobs   []store.Info // in the order of the keys
	single  bool         // one blob, rather than what is below a prefix
	version string
}

// fromStore reads a blob, or all below a prefix.
func (f *Fetcher) fromStore(ctx context.Context, src Source, known *lock.Data) (Content, error) {
	parent, base, err := splitStore(src.URL)
	if err != nil {
		return Content{}, err
	}
	st, err := store.Open(ctx, parent, store.Options{Received: f.Transfer.Received, Log: f.Log, Foreign: true})
	if err != nil {
		return Content{}, err
	}
	defer st.Close()
	h, err := look(ctx, st, src, base)
	if err != nil {
		return Content{}, err
	}
	origin := lock.Origin{Source: src.URL, Version: h.version}
	if known != nil && h.version != "" && h.version == known.Origin.Version {
		return Content{Node: known.Node, Origin: origin, Unchanged: true}, nil
	}
	name, err := f.readAll(ctx, h)
	if err != nil {
		return Content{}, fmt.Errorf("import %s: %w", src.Shown(), err)
	}
	if again, err := look(ctx, st, src, base); err != nil || again.version != h.version {
		return Content{}, errors.Join(err, &SourceError{Source: src.Shown(), Msg: "it changed while it was read", Hint: "try again"})
	}
	n, err := f.take(ctx, name)
	return Content{Node: n, Origin: origin}, err
}

// splitStore returns the address of the folder that an address lies in, and its
// last name; "" with a slash at the end, or for all that a bucket has.
func splitStore(address string) (parent, base string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", "", &AddressError{Msg: "this is no address"}
	}
	p := strings.Trim(u.Path, "/")
	if p == "" || strings.HasSuffix(u.Path, "/") {
		return u.String(), "", nil
	}
	base = path.Base(p)
	u.Path, u.RawPath = "/"+strings.TrimSuffix(p, base), ""
	return u.String(), base, nil
}

// look finds out what a source has.
func look(ctx context.Context, st store.Store, src Source, base string) (*holding, error) {
	h := &holding{st: st}
	if base != "" {
		info, err := st.Stat(ctx, base)
		if err == nil {
			h.single, h.blobs, h.version = true, []store.Info{info}, versionOf(info)
			return h, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		h.prefix = base + "/"
	}
	var text hash.Text
	for info, err := range st.List(ctx, h.prefix) {
		if err != nil {
			return nil, err
		}
		h.blobs = append(h.blobs, info)
		text.Line("blob", info.Key, strconv.FormatInt(info.Size, 10), versionOf(info))
	}
	if len(h.blobs) == 0 {
		return nil, gone(src, "there is nothing at that address, nor below it")
	}
	h.version = text.Fingerprint().String()
	return h, nil
}

// versionOf tells one version of a blob from the next.
func versionOf(info store.Info) string {
	if info.Version != "" {
		return info.Version
	}
	return fmt.Sprintf("%s-%d", info.Modified.UTC().Format("20060102T150405.000000000"), info.Size)
}

// piece is how much of a blob is read at once, in bytes.
const piece = 8 << 20

// readAll reads all blobs into files of Temp, side by side, and returns the name
// there of the file or directory that they are.
func (f *Fetcher) readAll(ctx context.Context, h *holding) (string, error) {
	var sum int64
	for _, b := range h.blobs {
		sum += b.Size
		if err := errors.Join(f.allowed(sum), h.check(b.Key)); err != nil {
			return "", err
		}
	}
	if p := f.Transfer.Progress; p != nil {
		p.Expect(int64(len(h.blobs)), sum)
	}
	name, err := f.makeTemp()
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(filepath.Join(f.Temp, name))
	if err != nil {
		return "", err
	}
	defer root.Close()
	if err := f.readBlobs(ctx, root, h); err != nil {
		return "", err
	}
	if h.single {
		name += "/" + h.name(h.blobs[0].Key)
	}
	return name, nil
}

func (f *Fetcher) readBlobs(ctx context.Context, root *os.Root, h *holding) error {
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(max(4, f.Transfer.Jobs))
	for _, b := range h.blobs {
		if each.Err() != nil {
			break
		}
		if err := f.begin(each, g, root, h, b); err != nil {
			return errors.Join(err, g.Wait())
		}
	}
	return errors.Join(g.Wait(), ctx.Err())
}

// name is what a blob's file is called, with slashes.
func (h *holding) name(key string) string { return strings.TrimPrefix(key, h.prefix) }

// check refuses a key that cannot be the name of a file in xt.
func (h *holding) check(key string) error {
	for name := range strings.SplitSeq(h.name(key), "/") {
		if err := hash.CheckName(name); err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
	}
	return nil
}

// begin makes the file of a blob and begins to read its pieces.
func (f *Fetcher) begin(ctx context.Context, g *errgroup.Group, root *os.Root, h *holding, b store.Info) error {
	name := filepath.FromSlash(h.name(b.Key))
	if err := root.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return fmt.Errorf("key %q: %w", b.Key, err)
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("key %q: %w", b.Key, err)
	}
	if err := errors.Join(file.Truncate(b.Size), file.Close()); err != nil {
		return err
	}
	if b.Size == 0 {
		f.count(1, 0)
	}
	for off := int64(0); off < b.Size; off += piece {
		g.Go(func() error { return f.readPiece(ctx, root, name, h.st, b, off) })
	}
	return nil
}

func (f *Fetcher) readPiece(ctx context.Context, root *os.Root, name string, st store.Store, b store.Info, off int64) error {
	buf := make([]byte, min(piece, b.Size-off))
	if err := st.Read(ctx, b.Key, off, buf); err != nil {
		return err
	}
	// The file is opened for each piece: of thousands of blobs only some are open.
	file, err := root.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(buf, off)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	files := int64(0)
	if off+piece >= b.Size {
		files = 1
	}
	f.count(files, int64(len(buf)))
	return nil
}

func (f *Fetcher) count(files, bytes int64) {
	if p := f.Transfer.Progress; p != nil {
		p.Count(files, bytes)
	}
}
