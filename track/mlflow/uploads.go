package mlflow

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/xtrepro/xt/track"
)

// Limits of uploads in parts.
const (
	maxParts   = 10_000
	maxUploads = 1000
	uploadLife = 24 * time.Hour // of one that nobody completes
)

// uploads are uploads in parts that are under way. They do not outlive the
// server: the client starts again.
type uploads struct {
	temp string

	mu  sync.Mutex
	dir string // made at the first upload
	all map[string]*upload
}

// upload is one of them. Its ID is a secret: who knows it may add parts.
type upload struct {
	target track.Path
	dir    string
	begun  time.Time
	parts  int // how many there may be
}

// begin starts an upload, and forgets those that are too old.
func (u *uploads) begin(target track.Path, parts int) (id string, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, old := range u.all {
		if time.Since(old.begun) > uploadLife {
			_ = os.RemoveAll(old.dir) // the end of the server removes it
			delete(u.all, id)
		}
	}
	if len(u.all) >= maxUploads {
		return "", track.Errorf(track.Unavailable, "There are %d uploads under way, which is the limit.", maxUploads)
	}
	if u.all == nil {
		if u.dir, err = os.MkdirTemp(u.temp, "xt-uploads-*"); err != nil {
			return "", err
		}
		u.all = map[string]*upload{}
	}
	var secret [16]byte
	_, _ = rand.Read(secret[:]) // it never fails
	id = hex.EncodeToString(secret[:])
	dir := filepath.Join(u.dir, id)
	u.all[id] = &upload{target, dir, time.Now(), parts}
	return id, os.Mkdir(dir, 0o700)
}

func (u *uploads) get(id string) (*upload, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if up := u.all[id]; up != nil {
		return up, nil
	}
	return nil, track.Errorf(track.NotFound, "No upload '%s' is under way.", id)
}

// take returns an upload, which is not under way any more, and what removes its
// parts.
func (u *uploads) take(id string) (*upload, func(), error) {
	up, err := u.get(id)
	if err != nil {
		return nil, nil, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.all, id)
	return up, func() { _ = os.RemoveAll(up.dir) }, nil // the end of the server removes what is left
}

func (u *uploads) close() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == nil {
		return nil
	}
	u.all = nil
	return os.RemoveAll(u.dir)
}

// uploadTarget returns the file that an upload is for. Clients send the path of
// their own file, of which the last name counts.
func (c *call) uploadTarget() (track.Path, error) {
	folder, err := track.ParsePath(c.r.PathValue("folder"))
	if err != nil {
		return folder, err
	}
	return folder.Join(path.Base(strings.ReplaceAll(c.text("path"), `\`, "/")))
}

func (c *call) createUpload() error {
	target, err := c.uploadTarget()
	n := c.int("num_parts", 1)
	if n < 1 || n > maxParts {
		c.note(track.Errorf(track.InvalidParameter, "Invalid value %d for parameter 'num_parts' supplied. It must be between 1 and %d", n, maxParts))
	}
	if err = errors.Join(err, c.err); err != nil {
		return err
	}
	id, err := c.uploads.begin(target, int(n))
	if err != nil {
		return err
	}
	c.out.open()
	c.out.str("upload_id", id)
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i + 1
	}
	list(&c.out, "credentials", numbers, func(e *encoder, number *int) {
		e.open()
		e.str("url", fmt.Sprintf("%s/api/2.0/mlflow-artifacts/mpu/part/%s/%d", c.origin(), id, *number))
		e.int("part_number", int64(*number))
		e.close()
	})
	c.out.close()
	return nil
}

// origin returns how the client reaches the server.
func (c *call) origin() string {
	scheme := "http"
	if c.r.TLS != nil || c.r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + c.r.Host
}

func (c *call) putPart() error {
	up, err := c.uploads.get(c.r.PathValue("upload_id"))
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(c.r.PathValue("part_number"))
	if err != nil || n < 1 || n > up.parts {
		return track.Errorf(track.InvalidParameter, "There is no part '%s' of an upload of %d.", c.r.PathValue("part_number"), up.parts)
	}
	file, err := os.CreateTemp(up.dir, "part-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(file, &bodyReader{c.r.Body})
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), up.part(n))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	c.w.Header().Set("ETag", fmt.Sprintf(`"%d"`, n))
	c.sent = true
	return nil
}

func (u *upload) part(n int) string { return filepath.Join(u.dir, strconv.Itoa(n)) }

func (c *call) completeUpload() error {
	numbers := map[int]bool{}
	c.each("parts", func(a *args) {
		a.need("part_number")
		numbers[int(a.int("part_number", 0))] = true
	})
	if c.err != nil {
		return c.err
	}
	up, err := c.uploads.get(c.text("upload_id"))
	if err != nil {
		return err
	}
	if err := c.join(up, slices.Sorted(maps.Keys(numbers))); err != nil {
		return err
	}
	_, remove, err := c.uploads.take(c.text("upload_id"))
	if err != nil {
		return err
	}
	remove()
	return nil
}

// join stores what the parts are together.
func (c *call) join(up *upload, numbers []int) error {
	var parts []io.Reader
	for _, n := range numbers {
		file, err := os.Open(up.part(n))
		if errors.Is(err, os.ErrNotExist) {
			return track.Errorf(track.InvalidParameter, "Part %d of the upload was not received.", n)
		}
		if err != nil {
			return err
		}
		defer file.Close()
		parts = append(parts, file)
	}
	_, err := c.store.PutArtifact(c.ctx, up.target, io.MultiReader(parts...))
	return err
}

func (c *call) abortUpload() error {
	_, remove, err := c.uploads.take(c.text("upload_id"))
	if err != nil {
		return err
	}
	remove()
	return nil
}

// presigned names the endpoint for the file itself: its parts can be fetched at
// the same time with Range.
func (c *call) presigned() error {
	p, err := c.pathValue()
	if err != nil {
		return err
	}
	a, err := c.store.Artifact(c.ctx, p)
	if err == nil && a.IsDir {
		err = track.Errorf(track.InvalidParameter, "Artifact path refers to a directory, not a file: '%s'", p)
	}
	if err != nil {
		return err
	}
	c.out.open()
	c.out.str("url", c.origin()+strings.Replace(c.r.URL.EscapedPath(), "/presigned/", "/artifacts/", 1))
	if auth := c.r.Header.Get("Authorization"); auth != "" {
		c.out.dict("headers", []track.Tag{{Key: "Authorization", Value: auth}})
	}
	c.out.int("file_size", a.Node.Size)
	c.out.close()
	return nil
}

// bodyReader marks errors of reading a request as the client's.
type bodyReader struct{ r io.ReadCloser }

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		err = &bodyError{err}
	}
	return n, err
}

var _ http.Handler = (*Server)(nil)
