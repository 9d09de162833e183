package origin

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xtrepro/xt/lock"
)

func TestParse(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"repo/.git", "bare/objects", "bare/refs", "plain"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "bare/HEAD"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	at := FileURL(dir)
	for _, c := range []struct {
		address, path string
		want          Source
	}{
		{"https://e.org/a.csv?x=1#frag", "", Source{URL: "https://e.org/a.csv?x=1", kind: web}},
		{"http://e.org/", "", Source{URL: "http://e.org/", kind: web}},
		{"s3://b/k?region=eu", "", Source{URL: "s3://b/k?region=eu", kind: blobs}},
		{"sftp://me@h/~/x", "", Source{URL: "sftp://me@h/~/x", kind: blobs}},
		{"plain", "", Source{URL: at + "/plain", kind: folder}},
		{at + "/plain/../plain/", "", Source{URL: at + "/plain", kind: folder}},
		{"repo", "a/b/", Source{URL: at + "/repo", Path: "a/b", kind: repo}},
		{"bare", "a", Source{URL: at + "/bare", Path: "a", kind: repo}},
		{at + "/repo", "a", Source{URL: at + "/repo", Path: "a", kind: repo}},
		{"git@e.org:team/r.git", "a", Source{URL: "git@e.org:team/r.git", Path: "a", kind: repo}},
		{"ssh://git@e.org:22/r", "a", Source{URL: "ssh://git@e.org:22/r", Path: "a", kind: repo}},
		{"https://e.org/r.git", ".", Source{URL: "https://e.org/r.git", Path: ".", kind: repo}},
		{"https://github.com/o/n", "a", Source{URL: "https://github.com/o/n", Path: "a", kind: repo}},
		{"https://github.com/o/n/raw/main/a.csv", "", Source{URL: "https://github.com/o/n/raw/main/a.csv", kind: web}},
		{"git+https://e.org/r", "a", Source{URL: "https://e.org/r", Path: "a", kind: repo}},
	} {
		got, err := Parse(Request{Address: c.address, Path: c.path, Dir: dir})
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v", c.address, got, err)
		}
	}
}

func TestParseRefused(t *testing.T) {
	for _, c := range []struct {
		r    Request
		want string
	}{
		{Request{Address: ""}, ""},
		{Request{Address: "http://"}, "names no host"},
		{Request{Address: "https://u@e.org/x"}, "user or password"},
		{Request{Address: "https://u:secret@e.org/x"}, "user or password"},
		{Request{Address: "https://e.org/x?a=1&X-Goog-Signature=secret"}, "X-Goog-Signature"},
		{Request{Address: "https://e.org/x?a=%zz&sig=secret"}, "a query that cannot be read"},
		{Request{Address: "gs://b/x?access_token=secret"}, "access_token"},
		{Request{Address: "sftp://u:secret@h/x"}, "holds credentials"},
		{Request{Address: "ftp://h/x"}, "unknown store"},
		{Request{Address: "file://x"}, "begins with a slash"},
		{Request{Address: "https://e.org/x", Rev: "v1"}, "--rev is for git"},
		{Request{Address: "https://e.org/x.git"}, "which path"},
		{Request{Address: "https://u:secret@e.org/x.git", Path: "a"}, "holds no user"},
		{Request{Address: "https://token@e.org/x.git", Path: "a"}, "holds no user"},
		{Request{Address: "ssh://git@-oProxyCommand=x/r", Path: "a"}, "names no host"},
		{Request{Address: "ssh://-x@e.org/r", Path: "a"}, "names no host"},
		{Request{Address: "ext::sh", Path: "a", Git: true}, "remote helpers"},
		{Request{Address: "git+ext://sh", Path: "a"}, "not read by way of"},
		{Request{Address: "fd::17/foo", Path: "a", Git: true}, "remote helpers"},
		{Request{Address: "git@e.org:r", Path: "../a"}, "leads nowhere else"},
		{Request{Address: "git@e.org:r", Path: "/a"}, "leads nowhere else"},
		{Request{Address: "git@e.org:r", Path: "a/../b"}, "leads nowhere else"},
		{Request{Address: "git@e.org:r", Path: "a", Rev: "-x"}, "no name of a revision"},
		{Request{Address: "git@e.org:r", Path: "a", Rev: "a\nb"}, "no name of a revision"},
	} {
		c.r.Dir = "/nonexistent"
		s, err := Parse(c.r)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %+v, %v", c.r, s, err)
		}
	}
	if s, err := Parse(Request{Address: "https://u:secret@e.org/x?sig=secret", Secrets: true}); err != nil || strings.Contains(s.Shown(), "secret") {
		t.Errorf("where secrets may be: %v, %v", s.Shown(), err)
	}
}

func TestBase(t *testing.T) {
	for address, want := range map[string]string{
		"https://e.org/a/b.csv?x=/y": "b.csv", "https://e.org": "", "https://e.org/a/": "a", "https://e.org/a%2Fb": "b",
		"https://e.org/a/%2e%2e": "", "https://e.org/.git": "", "https://e.org/a%0Ab": "", "https://e.org/a%5Cb": "", "https://e.org/%2e": "",
		"s3://bucket": "", "s3://bucket/x": "x",
	} {
		s, err := Parse(Request{Address: address})
		if strings.HasSuffix(address, ".git") {
			continue // a repository
		}
		if err != nil || s.Base() != want {
			t.Errorf("%s: %q, %v, want %q", address, s.Base(), err, want)
		}
	}
}

// FuzzParse checks that what is accepted is written down so that it is accepted
// again as the same, and holds no secret that a URL can.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"https://e.org/a?b=c#d", "http://u:p@e.org", "s3://b/k?region=x", "git@e.org:a", "file:///a/../b", "git+ssh://a@b/c", "https://e.org/%2e%2e/%41", "ext::x", "C:\\x", "HTTPS://e.org/?sig=1"} {
		f.Add(s, "a/b", "main", false)
		f.Add(s, "", "", false)
		f.Add(s, "a", "", true)
	}
	f.Fuzz(func(t *testing.T, address, path, rev string, isGit bool) {
		s, err := Parse(Request{Address: address, Path: path, Rev: rev, Git: isGit, Dir: "/nonexistent"})
		if err != nil {
			return
		}
		again, err := Of(lock.Origin{Source: s.URL, Path: s.Path, Rev: s.Rev})
		if err != nil || again != s {
			t.Fatalf("%q became %+v, and then %+v, %v", address, s, again, err)
		}
		if strings.HasPrefix(s.URL, "-") || s.kind == repo && strings.Contains(s.URL, "::") && !strings.Contains(s.URL, "://") {
			t.Fatalf("%q became %q", address, s.URL)
		}
	})
}
