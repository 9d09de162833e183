package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xtrepro/xt/internal/testserver"
)

// target is a store to test, at an address and with an environment.
type target struct {
	url    string
	env    []string
	server *testserver.Server // nil for a folder
}

func (x target) open(t *testing.T, opts Options) Store {
	t.Helper()
	for _, e := range x.env {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	opts.Environ = x.env
	if opts.Log == nil {
		opts.Log = t.Logf
	}
	s, err := Open(t.Context(), x.url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// with returns the target with another thing in its environment.
func (x target) with(env ...string) target {
	x.env = append(slices.Clone(x.env), env...)
	return x
}

// bucket returns the target with another bucket.
func (x target) bucket(name string) target {
	x.url = strings.Replace(x.url, testserver.Bucket, name, 1)
	return x
}

// at returns the target with another address of the server.
func (x target) at(addr string) target {
	x.url, x.env = x.server.At(addr)
	return x
}

func serverTarget(s *testserver.Server) target {
	return target{url: s.URL, env: s.Env, server: s}
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	suite(t, target{url: (&url.URL{Scheme: "file", Path: path.Join("/", dir, "not", "there yet")}).String()})
}

func TestS3(t *testing.T) {
	x := serverTarget(testserver.S3(t))
	suite(t, x)
	cloudSuite(t, x)
	serverSuite(t, x)
}

func TestAzure(t *testing.T) {
	x := serverTarget(testserver.Azure(t))
	suite(t, x)
	cloudSuite(t, x)
	serverSuite(t, x)
}

func TestGCS(t *testing.T) {
	x := serverTarget(testserver.GCS(t))
	suite(t, x)
	cloudSuite(t, x)
	serverSuite(t, x)
}

func TestSFTP(t *testing.T) {
	x := serverTarget(testserver.SFTP(t))
	suite(t, x)
	serverSuite(t, x)
}

// suite is what every store does.
func suite(t *testing.T, x target) {
	t.Run("Empty", func(t *testing.T) { testEmpty(t, x) })
	t.Run("PutRead", func(t *testing.T) { testPutRead(t, x) })
	t.Run("Create", func(t *testing.T) { testCreate(t, x) })
	t.Run("CreateOnce", func(t *testing.T) { testCreateOnce(t, x) })
	t.Run("List", func(t *testing.T) { testList(t, x) })
	t.Run("Delete", func(t *testing.T) { testDelete(t, x) })
	t.Run("BadKeys", func(t *testing.T) { testBadKeys(t, x) })
	t.Run("Cancelled", func(t *testing.T) { testCancelled(t, x) })
	t.Run("Progress", func(t *testing.T) { testProgress(t, x) })
}

func testEmpty(t *testing.T, x target) {
	s := x.open(t, Options{})
	for info, err := range s.List(t.Context(), "") {
		t.Errorf("listed: %v, %v", info, err)
	}
	if _, err := s.Stat(t.Context(), "empty/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat: %v", err)
	}
	err := s.Read(t.Context(), "empty/none", 0, make([]byte, 1))
	if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || kindOf(err) != NotFound {
		t.Errorf("Read: %v", err)
	}
	if err := s.Delete(t.Context(), []string{"empty/none", "empty/neither"}); err != nil {
		t.Errorf("Delete: %v", err)
	}
	if sw, ok := s.(Sweeper); ok {
		if n, err := sw.Sweep(t.Context(), 0); n != 0 || err != nil {
			t.Errorf("Sweep: %d, %v", n, err)
		}
	}
	show(t, "missing blob", err)
}

func testPutRead(t *testing.T, x target) {
	s := x.open(t, Options{})
	for _, size := range []int{0, 1, 1000, 3_000_000, 20_000_000} {
		key, data := fmt.Sprintf("put/%d", size), random(size)
		put(t, s, key, []byte("before"))
		put(t, s, key, data)
		there := make([]byte, size)
		if err := s.Read(t.Context(), key, 0, there); err != nil || !bytes.Equal(there, data) {
			t.Fatalf("%s: other bytes, or %v", key, err)
		}
		info, err := s.Stat(t.Context(), key)
		if err != nil || info.Key != key || info.Size != int64(size) || time.Since(info.Modified).Abs() > time.Minute {
			t.Errorf("Stat: %+v, %v", info, err)
		}
	}
	data := []byte("0123456789")
	put(t, s, "put/range", data)
	for off := range 11 {
		for end := off; end <= 10; end++ {
			p := make([]byte, end-off)
			if err := s.Read(t.Context(), "put/range", int64(off), p); err != nil || string(p) != string(data[off:end]) {
				t.Errorf("bytes %d to %d: %q, %v", off, end, p, err)
			}
		}
	}
	for _, short := range []struct{ off, n int }{{0, 11}, {9, 2}, {10, 1}, {11, 1}, {11, 0}, {500, 20}} {
		err := s.Read(t.Context(), "put/range", int64(short.off), make([]byte, short.n))
		if !errors.Is(err, ErrShort) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%d bytes from %d: %v", short.n, short.off, err)
		}
	}
}

func testCreate(t *testing.T, x target) {
	s := x.open(t, Options{})
	if err := s.Create(t.Context(), "create/it", []byte("first")); err != nil {
		t.Fatal(err)
	}
	err := s.Create(t.Context(), "create/it", []byte("other"))
	if !errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) || kindOf(err) != Exists {
		t.Errorf("created twice: %v", err)
	}
	show(t, "blob exists", err)
	if got := read(t, s, "create/it", 5); string(got) != "first" {
		t.Errorf("it is %q", got)
	}
	if err := s.Create(t.Context(), "create/empty", nil); err != nil {
		t.Error(err)
	}
}

// Of many that create the same blob one does.
func testCreateOnce(t *testing.T, x target) {
	s := x.open(t, Options{})
	var done atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			err := s.Create(t.Context(), "once/it", []byte{byte(i)})
			if err == nil {
				done.Add(1)
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if done.Load() != 1 {
		t.Errorf("%d did", done.Load())
	}
}

func testList(t *testing.T, x target) {
	s := x.open(t, Options{})
	var want []string
	for i := range 1100 {
		want = append(want, fmt.Sprintf("list/%x/%04d", i%16, i))
	}
	want = append(want, "list/1-x", "list/1.x") // before and after list/1/
	fill(t, s, want[:1100])
	fill(t, s, want[1100:])
	put(t, s, "list0", nil)
	slices.Sort(want)
	infos := list(t, s, "list/")
	if got := keysOf(infos); !slices.Equal(got, want) {
		t.Errorf("listed %d keys, not %d in order", len(got), len(want))
	}
	stat, err := s.Stat(t.Context(), want[0])
	if err != nil {
		t.Fatal(err)
	}
	if i := infos[0]; i.Size != stat.Size || i.Version != stat.Version || i.Modified.Sub(stat.Modified).Abs() > time.Second {
		t.Errorf("listed as %+v, which is %+v", i, stat)
	}
	if got := keysOf(list(t, s, "list/3/")); len(got) != 69 || got[0] != "list/3/0003" {
		t.Errorf("%d below list/3/", len(got))
	}
	if got := list(t, s, "list/none/"); len(got) != 0 {
		t.Errorf("listed %v", got)
	}
	for range s.List(t.Context(), "") {
		break // must not hang or panic
	}
}

func testDelete(t *testing.T, x target) {
	s := x.open(t, Options{})
	keys := []string{"delete/a"}
	for i := range 300 {
		keys = append(keys, fmt.Sprintf("delete/%d", i))
	}
	fill(t, s, append(keys, "delete/stays"))
	if err := s.Delete(t.Context(), append(keys, "delete/missing")); err != nil {
		t.Fatal(err)
	}
	if got := keysOf(list(t, s, "delete/")); !slices.Equal(got, []string{"delete/stays"}) {
		t.Errorf("left: %v", got)
	}
	if err := s.Delete(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func testBadKeys(t *testing.T, x target) {
	s := x.open(t, Options{})
	for _, key := range []string{"", ".", "..", "../up", "a/../b", "/a", "a/", "a//b", "a\x00b", "a\nb", "a#b", `a\b`, "a\xffb"} {
		err := s.Put(t.Context(), key, nil)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", key, err)
		}
		if err := s.Read(t.Context(), key, 0, make([]byte, 1)); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", key, err)
		}
	}
	for _, err := range s.List(t.Context(), "../") {
		if err == nil {
			t.Error("listed what is above")
		}
	}
}

func testCancelled(t *testing.T, x target) {
	s := x.open(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, "cancelled/it", random(100)); !errors.Is(err, context.Canceled) && x.server != nil {
		t.Errorf("Put: %v", err)
	}
	put(t, s, "cancelled/next", []byte("x")) // the store can still be used
}

func testProgress(t *testing.T, x target) {
	var sent, received atomic.Int64
	s := x.open(t, Options{Sent: func(n int64) { sent.Add(n) }, Received: func(n int64) { received.Add(n) }})
	const size = 5_000_000
	put(t, s, "progress/it", random(size))
	if n := sent.Load(); n < size || n > size+size/10 {
		t.Errorf("sent %d", n)
	}
	read(t, s, "progress/it", size)
	if n := received.Load(); n < size || n > size+size/10 {
		t.Errorf("received %d", n)
	}
}

// random returns bytes that cannot be told beforehand.
func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	_, _ = r.Read(b)
	return b
}

func put(t *testing.T, s Store, key string, data []byte) {
	t.Helper()
	if err := s.Put(t.Context(), key, data); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, s Store, key string, n int) []byte {
	t.Helper()
	p := make([]byte, n)
	if err := s.Read(t.Context(), key, 0, p); err != nil {
		t.Fatal(err)
	}
	return p
}

// fill makes small blobs, several at a time.
func fill(t *testing.T, s Store, keys []string) {
	t.Helper()
	var wg sync.WaitGroup
	next := make(chan string)
	for range 16 {
		wg.Go(func() {
			for key := range next {
				if err := s.Put(t.Context(), key, []byte(key)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, key := range keys {
		next <- key
	}
	close(next)
	wg.Wait()
}

func list(t *testing.T, s Store, prefix string) []Info {
	t.Helper()
	var all []Info
	for info, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, info)
	}
	return all
}

func keysOf(infos []Info) []string {
	var keys []string
	for _, i := range infos {
		keys = append(keys, i.Key)
	}
	return keys
}

func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return -1
}

// show prints what a user sees, with -v.
func show(t *testing.T, fault string, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("%s: %T: %v", fault, err, err)
		return
	}
	if strings.Contains(err.Error(), "\n") || len(err.Error()) > 600 {
		t.Errorf("%s: not a short line: %v", fault, err)
	}
	t.Logf("%s\n\t(%v) %v\n\thint: %s", fault, e.Kind, err, strings.Join(e.Hints(), "; "))
}
