package origin

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/testserver"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/remote/store"
)

// newFetcher returns a Fetcher for a cache of its own.
func newFetcher(t *testing.T) *Fetcher {
	t.Helper()
	dir := t.TempDir()
	c, err := cache.Open(filepath.Join(dir, "cache"), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &Fetcher{Cache: c, Temp: filepath.Join(dir, "temp")}
}

// filesOf returns what the cache has of a file or directory: the bytes by path.
func filesOf(t *testing.T, c *cache.Cache, n hash.Node) map[string]string {
	t.Helper()
	files := map[string]string{}
	if n.Kind != hash.Directory {
		f, err := c.OpenFile(n.Sum)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var b bytes.Buffer
		if _, err := b.ReadFrom(f); err != nil {
			t.Fatal(err)
		}
		files[""] = b.String()
		return files
	}
	tree, err := c.Tree(n.Sum)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range tree {
		for name, text := range filesOf(t, c, e.Node) {
			files[strings.TrimSuffix(e.Name+"/"+name, "/")] = text
		}
	}
	return files
}

// fill puts blobs into a store, each with its key as content.
func fill(t *testing.T, url string, keys ...string) {
	t.Helper()
	st, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for _, k := range keys {
		if err := st.Put(t.Context(), k, []byte(k)); err != nil {
			t.Fatal(err)
		}
	}
}

// below returns the address of a key, with the parameters of a store's address.
func below(url, key string) string {
	at, params, ok := strings.Cut(url, "?")
	if ok {
		params = "?" + params
	}
	return strings.TrimSuffix(at, "/") + "/" + key + params
}

func fetch(t *testing.T, f *Fetcher, address string, known *lock.Data) (Content, error) {
	t.Helper()
	src, err := Parse(Request{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	return f.Fetch(context.WithoutCancel(t.Context()), src, known)
}

// testStore imports from a store whose address is url.
func testStore(t *testing.T, url string) {
	fill(t, url, "set/a", "set/sub/b", "settings", "other/x")
	f := newFetcher(t)
	dir, err := fetch(t, f, below(url, "set"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := filesOf(t, f.Cache, dir.Node); len(got) != 2 || got["a"] != "set/a" || got["sub/b"] != "set/sub/b" {
		t.Errorf("below a prefix: %v", got)
	}
	one, err := fetch(t, f, below(url, "set/sub/b"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := filesOf(t, f.Cache, one.Node); got[""] != "set/sub/b" {
		t.Errorf("a blob: %v", got)
	}
	for address, c := range map[string]Content{below(url, "set"): dir, below(url, "set/sub/b"): one} {
		again, err := fetch(t, f, address, c.data("x"))
		if err != nil || !again.Unchanged || again.Node != c.Node {
			t.Errorf("%s again: %+v, %v", address, again, err)
		}
	}
	fill(t, url, "set/c")
	more, err := fetch(t, f, below(url, "set"), dir.data("x"))
	if err != nil || more.Unchanged || more.Node.Files != 3 {
		t.Errorf("with one more: %+v, %v", more, err)
	}
	f.MaxSize = 3
	if _, err := fetch(t, f, below(url, "set"), nil); err == nil || !strings.Contains(err.Error(), "are allowed") {
		t.Errorf("too big: %v", err)
	}
	if _, err := fetch(t, f, below(url, "se"), nil); err == nil || !strings.Contains(err.Error(), "there is nothing") {
		t.Errorf("nothing: %v", err)
	}
	left, err := os.ReadDir(f.Temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if !e.IsDir() {
			t.Errorf("left: %s", e.Name())
		}
	}
}

func TestS3(t *testing.T) {
	s := testserver.S3(t)
	s.Setenv(t)
	testStore(t, s.URL)
	testHostileKeys(t, s)
}

func TestSFTP(t *testing.T) {
	s := testserver.SFTP(t)
	s.Setenv(t)
	testStore(t, s.URL)
}

// testHostileKeys finds keys that no file can have, or must not.
func testHostileKeys(t *testing.T, s *testserver.Server) {
	bucket := strings.FieldsFunc(strings.TrimPrefix(s.URL, "s3://"), func(r rune) bool { return r == '/' || r == '?' })[0]
	client := testserver.S3Client(s)
	for i, key := range []string{"%s/.git/config", "%s/.xt/x", "%s/a%%b", "%s/a?b", "%s/.GIT/x"} {
		prefix := "hostile" + string(rune('a'+i))
		name := strings.ReplaceAll(strings.Replace(key, "%s", prefix, 1), "%%", "%")
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(name), Body: strings.NewReader("x")})
		if err != nil {
			t.Logf("the server refuses %q: %v", name, err)
			continue
		}
		f := newFetcher(t)
		if c, err := fetch(t, f, "s3://"+bucket+"/"+prefix+"?"+s.URL[strings.Index(s.URL, "?")+1:], nil); err == nil {
			t.Errorf("%q was imported: %v", name, filesOf(t, f.Cache, c.Node))
		}
	}
}
