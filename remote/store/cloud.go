package store

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync/atomic"

	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"
)

// cloud is a driver over a bucket of gocloud. Writing goes past gocloud, to
// the SDK: there one request carries the whole blob, so that a kill leaves
// nothing behind, no copy of the data is made, and a failed upload to Azure
// does not panic.
type cloud struct {
	bucket *blob.Bucket
	prefix string // "" or ending with a slash
	sdk    sdk
	seen   atomic.Bool // the bucket is known to be there
}

// sdk is what each cloud does in its own way.
type sdk interface {
	// put has the full key.
	put(ctx context.Context, key string, data []byte, create bool) error
	// version takes the ETag out of the SDK's form of an entry of a listing.
	version(as func(any) bool) string
	// part is the Content-Range of what is being read, if it can be told.
	part(r *blob.Reader) string
	// beforeList may ask for less in a listing.
	beforeList(as func(any) bool) error
}

// remover is an sdk that can delete several blobs at once.
type remover interface {
	// remove has full keys, and returns those that are left.
	remove(ctx context.Context, keys []string) ([]string, error)
}

func (c *cloud) close() error { return c.bucket.Close() }

func (c *cloud) stat(ctx context.Context, key string) (Info, error) {
	var attrs *blob.Attributes
	err := guard(func() (err error) {
		attrs, err = c.bucket.Attributes(ctx, c.prefix+key)
		return err
	})
	if err != nil {
		return Info{}, c.missing(ctx, err)
	}
	c.seen.Store(true)
	return Info{Key: key, Size: attrs.Size, Modified: attrs.ModTime, Version: strings.Trim(attrs.ETag, `"`)}, nil
}

// missing tells a missing bucket from a missing blob, which some answers leave
// open.
func (c *cloud) missing(ctx context.Context, err error) error {
	if c.seen.Load() || classify(err).kind != NotFound {
		return err
	}
	switch _, _, listErr := c.page(ctx, blob.FirstPageToken, 1, nil); {
	case listErr == nil:
		c.seen.Store(true)
	case classify(c.noBucket(listErr)).kind == NoBucket:
		return c.noBucket(listErr)
	}
	return err
}

// noBucket is for what can fail to find nothing but the bucket.
func (c *cloud) noBucket(err error) error {
	if err == nil {
		c.seen.Store(true)
		return nil
	}
	if t := classify(err); t.kind == NotFound {
		return &trouble{kind: NoBucket, text: t.text}
	}
	return err
}

func (c *cloud) read(ctx context.Context, key string, off int64, p []byte) (int, error) {
	var r *blob.Reader
	err := guard(func() (err error) {
		r, err = c.bucket.NewRangeReader(ctx, c.prefix+key, off, int64(len(p)), nil)
		return err
	})
	if err != nil {
		return 0, c.missing(ctx, err)
	}
	defer r.Close()
	c.seen.Store(true)
	if part := c.sdk.part(r); part != "" && off > 0 && !strings.HasPrefix(part, fmt.Sprintf("bytes %d-", off)) {
		return 0, fmt.Errorf("the server sent %q where the bytes from %d were asked for", oneLine(part), off)
	}
	// What comes beyond the end of p is never looked at.
	n, err := io.ReadFull(r, p)
	if n < len(p) && r.Size() < off+int64(len(p)) && (err == io.ErrUnexpectedEOF || err == io.EOF) {
		return n, ErrShort
	}
	return n, err
}

func (c *cloud) put(ctx context.Context, key string, data []byte, create bool) error {
	return c.noBucket(c.sdk.put(ctx, c.prefix+key, data, create))
}

// pageSize is the most that S3 gives.
const pageSize = 1000

func (c *cloud) list(ctx context.Context, prefix string, try func(func() error) error) iter.Seq2[Info, error] {
	opts := &blob.ListOptions{Prefix: c.prefix + prefix, BeforeList: c.sdk.beforeList}
	return func(yield func(Info, error) bool) {
		token, next := blob.FirstPageToken, []byte(nil)
		for {
			var page []*blob.ListObject
			err := try(func() (err error) {
				page, next, err = c.page(ctx, token, pageSize, opts)
				return c.noBucket(err)
			})
			if err != nil {
				yield(Info{}, err)
				return
			}
			for _, o := range page {
				if info, ok := c.info(o); ok && !yield(info, nil) {
					return
				}
			}
			if len(next) == 0 || string(next) == string(token) {
				return
			}
			token = next
		}
	}
}

func (c *cloud) page(ctx context.Context, token []byte, size int, opts *blob.ListOptions) (page []*blob.ListObject, next []byte, err error) {
	err = guard(func() (err error) {
		page, next, err = c.bucket.ListPage(ctx, token, size, opts)
		return err
	})
	return page, next, err
}

// guard calls f, a call of gocloud, and makes an error of its panic: the drivers
// take it that whatever answers is the server that is meant.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = notAStore(fmt.Errorf("%v", r))
		}
	}()
	err = f()
	// What lies above the SDK's error is but noise to the user.
	if layer, ok := err.(interface{ Unwrap() []error }); ok {
		err = layer.Unwrap()[0]
	}
	return err
}

// notAStore is for answers that are none of what was asked, such as the login
// page of a network.
func notAStore(err error) *trouble {
	return &trouble{kind: Other, text: "the answer is not one of such a store", err: err, hints: []string{
		"check the address, and whether the network wants a login in a browser",
	}}
}

// info is what an entry of a listing says, if it is of a blob of the store.
func (c *cloud) info(o *blob.ListObject) (Info, bool) {
	key, ok := strings.CutPrefix(o.Key, c.prefix)
	if !ok || o.IsDir {
		return Info{}, false
	}
	return Info{Key: key, Size: o.Size, Modified: o.ModTime, Version: strings.Trim(c.sdk.version(o.As), `"`)}, true
}

// deleteWorkers is how many blobs are deleted at a time, where there is no
// request for many.
const deleteWorkers = 16

func (c *cloud) remove(ctx context.Context, keys []string) ([]string, error) {
	if many, ok := c.sdk.(remover); ok {
		return c.removeMany(ctx, many, keys)
	}
	errs := make([]error, len(keys))
	var g errgroup.Group
	g.SetLimit(deleteWorkers)
	for i, key := range keys {
		g.Go(func() error {
			err := guard(func() error { return c.bucket.Delete(ctx, c.prefix+key) })
			if err != nil && classify(err).kind != NotFound {
				errs[i] = err
			}
			return nil
		})
	}
	_ = g.Wait()
	return leftOf(keys, errs)
}

// leftOf returns the keys with an error, and the first of the errors.
func leftOf(keys []string, errs []error) (left []string, first error) {
	for i, err := range errs {
		if err == nil {
			continue
		}
		left = append(left, keys[i])
		if first == nil {
			first = err
		}
	}
	return left, first
}

func (c *cloud) removeMany(ctx context.Context, sdk remover, keys []string) ([]string, error) {
	full := make([]string, len(keys))
	for i, key := range keys {
		full[i] = c.prefix + key
	}
	left, err := sdk.remove(ctx, full)
	for i, key := range left {
		left[i] = strings.TrimPrefix(key, c.prefix)
	}
	return left, c.noBucket(err)
}
