package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// attempt asks the server once. moved says that this got on with the file.
func (t *transfer) attempt(ctx context.Context) (moved bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(t.patience(), func() { cancel(errStalled) })
	defer watch.Stop()
	req, err := t.request(ctx)
	if err != nil {
		return false, err
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return false, cause(ctx, err)
	}
	defer resp.Body.Close()
	t.reached = true
	done, err := t.begin(resp)
	if done || err != nil {
		return false, err
	}
	_, err = io.Copy(t, &watched{resp.Body, watch, t.patience()})
	if err == nil {
		err = t.finish()
	}
	moved = t.part.size > t.most
	t.most = max(t.most, t.part.size)
	return moved, cause(ctx, err)
}

// errStalled says that nothing came for too long.
var errStalled = errors.New("nothing came from the server for too long")

func (t *transfer) patience() time.Duration {
	if t.stall > 0 {
		return t.stall
	}
	return stallTime
}

// cause returns why ctx ended, if it did.
func cause(ctx context.Context, err error) error {
	if err != nil && context.Cause(ctx) == errStalled {
		return errStalled
	}
	return err
}

// watched puts off the end with each byte that comes.
type watched struct {
	io.Reader
	watch *time.Timer
	each  time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if n > 0 {
		w.watch.Reset(w.each)
	}
	return n, err
}

func (t *transfer) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "xt")
	req.Header.Set("Accept-Encoding", "identity")
	switch {
	case t.part.size > 0 && t.part.validator != "":
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", t.part.size))
		req.Header.Set("If-Range", t.part.validator)
	case isTag(t.known.Version):
		req.Header.Set("If-None-Match", t.known.Version)
	case t.known.Version != "":
		req.Header.Set("If-Modified-Since", t.known.Version)
	}
	return req, nil
}

// begin looks at the head of an answer. done says that there is nothing to read.
func (t *transfer) begin(resp *http.Response) (done bool, err error) {
	version := versionOf(resp.Header)
	switch resp.StatusCode {
	case http.StatusNotModified:
		if t.known.Version == "" || t.part.size > 0 && t.part.validator != "" {
			return false, t.status(resp)
		}
		t.result = Result{Size: t.known.Size, Version: t.known.Version, Unchanged: true}
		return true, nil
	case http.StatusOK:
		if t.unchanged(version, resp.ContentLength) {
			t.result = Result{Size: t.known.Size, Version: version, Unchanged: true}
			return true, nil
		}
		return false, t.anew(resp, version)
	case http.StatusPartialContent:
		return false, t.goOn(resp, version)
	case http.StatusRequestedRangeNotSatisfiable:
		if t.part.size == 0 {
			return false, t.status(resp)
		}
		return false, errors.Join(&changedError{}, t.reset())
	}
	return false, t.status(resp)
}

// unchanged compares what a server says that did not care for the question.
func (t *transfer) unchanged(version string, size int64) bool {
	return version != "" && version == t.known.Version && (isTag(version) || size == t.known.Size)
}

// anew begins with the first byte.
func (t *transfer) anew(resp *http.Response, version string) error {
	if err := t.reset(); err != nil {
		return err
	}
	t.result.Version = version
	t.part.validator, t.part.version = validatorOf(resp.Header), version
	t.part.total = resp.ContentLength
	return t.expect()
}

// goOn goes on with the part, if the answer is that.
func (t *transfer) goOn(resp *http.Response, version string) error {
	from, total, ok := contentRange(resp.Header.Get("Content-Range"))
	tag := resp.Header.Get("ETag")
	if !ok || from != t.part.size || t.part.total >= 0 && total >= 0 && total != t.part.total || isTag(t.part.validator) && tag != "" && tag != t.part.validator {
		return errors.Join(&changedError{}, t.reset())
	}
	if total >= 0 {
		t.part.total = total
	}
	t.result.Version = t.part.version
	if t.result.Version == "" {
		t.result.Version = version
	}
	return t.expect()
}

// changedError says that the file on the server is no longer the one that was
// begun, so that it is begun anew.
type changedError struct{}

func (*changedError) Error() string { return "the file changed on the server meanwhile" }

// reset forgets what has come.
func (t *transfer) reset() error {
	t.progress.Count(0, -t.counted)
	t.counted = 0
	t.part.validator = ""
	return t.part.truncate()
}

// expect says how much is to come.
func (t *transfer) expect() error {
	if t.MaxSize > 0 && t.part.total > t.MaxSize {
		return &tooBigError{t.MaxSize, t.part.total}
	}
	if !t.expected {
		t.progress.Expect(1, max(t.part.total, 0))
		t.expected = true
	}
	t.progress.Count(0, t.part.size-t.counted)
	t.counted = t.part.size
	return nil
}

// Write adds what came to the part.
func (t *transfer) Write(p []byte) (int, error) {
	if t.MaxSize > 0 && t.part.size+int64(len(p)) > t.MaxSize {
		return 0, &tooBigError{t.MaxSize, -1}
	}
	n, err := t.part.write(p)
	t.counted += int64(n)
	t.progress.Count(0, int64(n))
	if err != nil {
		err = &diskError{err}
	}
	return n, err
}

// finish makes sure that all is there.
func (t *transfer) finish() error {
	if t.part.total >= 0 && t.part.size != t.part.total {
		return io.ErrUnexpectedEOF
	}
	t.result.Size = t.part.size
	t.progress.Count(1, 0)
	return nil
}

// contentRange reads "bytes FROM-TO/TOTAL"; total is -1 if it is not known.
func contentRange(s string) (from, total int64, ok bool) {
	rest, ok := strings.CutPrefix(s, "bytes ")
	span, all, ok2 := strings.Cut(rest, "/")
	first, last, ok3 := strings.Cut(span, "-")
	if !ok || !ok2 || !ok3 {
		return 0, 0, false
	}
	from, err := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	if err != nil || err2 != nil || from < 0 || to < from {
		return 0, 0, false
	}
	if all == "*" {
		return from, -1, true
	}
	total, err = strconv.ParseInt(all, 10, 64)
	return from, total, err == nil && to < total
}
