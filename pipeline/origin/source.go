package origin

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/download"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
)

// kind is what sort of place a source is.
type kind uint8

const (
	web    kind = iota // a file on a web server
	blobs              // a blob, or what is below a prefix, in a store
	folder             // a file or directory of this machine
	repo               // a path in a git repository
)

// Source is something that can be brought.
type Source struct {
	URL  string // as xt.lock has it
	Path string // in the git repository URL; "" if that is none
	Rev  string // of the repository; "" for its default branch

	kind kind
}

// Git reports whether the source is a path in a git repository.
func (s Source) Git() bool { return s.kind == repo }

// Base returns what the thing is called at its source; "" if it has no name.
func (s Source) Base() string {
	p := s.Path
	if s.kind != repo {
		u, err := url.Parse(s.URL)
		if err != nil {
			return ""
		}
		p = u.Path
	}
	base := path.Base(strings.TrimRight(p, "/"))
	odd := func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }
	if base == ".." || base == "." || base == "/" || strings.ContainsFunc(base, odd) || hash.CheckName(base) != nil {
		return ""
	}
	return base
}

// Shown returns the source for people, without secrets.
func (s Source) Shown() string {
	shown := s.URL
	if u, err := url.Parse(s.URL); err == nil && u.Scheme != "" && s.kind != repo {
		shown = download.Shown(s.URL)
	}
	if s.Path != "" {
		shown += " " + s.Path
	}
	return shown
}

// local returns the path on this machine that a file:// URL names.
func (s Source) local() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return ""
	}
	return fromURLPath(u.Path)
}

// fromURLPath returns the path of file:///srv or file:///C:/srv.
func fromURLPath(p string) string {
	p = filepath.FromSlash(p)
	if len(p) > 1 && filepath.VolumeName(p[1:]) != "" {
		return p[1:]
	}
	return filepath.Clean(p)
}

// FileURL returns the address of a path on this machine, which is absolute.
func FileURL(abs string) string {
	p := filepath.ToSlash(abs)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}

// Of returns the source that xt.lock has of imported data. What could not have
// been imported, since somebody edited it, is an [*AddressError].
func Of(o lock.Origin) (Source, error) {
	s, err := Parse(Request{Address: o.Source, Path: o.Path, Rev: o.Rev, Git: o.Path != "", Plain: o.Path == ""})
	if err == nil && (s.URL != o.Source || s.Path != o.Path) {
		err = &AddressError{Msg: "xt.lock has a source that no xt has written: " + s.Shown()}
	}
	return s, err
}

// Request is what a user asks for.
type Request struct {
	Address string // a URL, or a path
	Path    string // in a git repository
	Rev     string // of a git repository
	Dir     string // that a relative Address is relative to
	Git     bool   // Address is a git repository, whatever it looks like
	Plain   bool   // it is none
	Secrets bool   // the address is not going to be written down, and may hold secrets
}

// Parse finds out what sort of source an address names, without going there. A
// mistake is an [*AddressError].
func Parse(r Request) (Source, error) {
	if r.Git || !r.Plain && IsRepository(r.Address, r.Dir) {
		return parseRepo(r)
	}
	switch {
	case r.Rev != "":
		return Source{}, &AddressError{"--rev is for git repositories, and " + shownAddress(r.Address) + " is none", "--git says that it is one"}
	case r.Path != "":
		return Source{}, &AddressError{"a path in a repository is for git repositories, and " + shownAddress(r.Address) + " is none", "--git says that it is one"}
	case !strings.Contains(r.Address, "://"):
		return parseLocal(r)
	}
	u, err := url.Parse(r.Address)
	if err != nil {
		return Source{}, &AddressError{"this is no address", "such as https://example.org/data.csv or s3://bucket/data"}
	}
	switch u.Scheme {
	case "http", "https":
		return parseWeb(r, u)
	case "file":
		return parseFile(u)
	}
	if msg, hint := pipeline.CheckRemote(r.Address); msg != "" {
		return Source{}, &AddressError{strings.ReplaceAll(msg, "would be in git", "would be in xt.lock"), hint}
	}
	return Source{URL: r.Address, kind: blobs}, nil
}

// shownAddress repeats an address unless there may be a secret in it.
func shownAddress(a string) string {
	if strings.ContainsAny(a, "@?") {
		return download.Shown(a)
	}
	return a
}

func parseWeb(r Request, u *url.URL) (Source, error) {
	u.Fragment, u.RawFragment = "", "" // which is for the browser
	switch name := secretIn(u); {
	case u.Host == "":
		return Source{}, &AddressError{"the address names no host", "such as https://example.org/data.csv"}
	case name != "" && !r.Secrets:
		return Source{}, &AddressError{fmt.Sprintf("the address holds a credential (%s), which would be in xt.lock", name),
			"name where it is stored, such as s3://BUCKET/KEY, for which xt finds the credentials itself; or fetch it once with \"xt get\" and \"xt add\" it"}
	}
	return Source{URL: u.String(), kind: web}, nil
}

// secretIn names what in an address is likely a secret; "" if nothing is.
func secretIn(u *url.URL) string {
	if u.User != nil {
		return "user or password"
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "a query that cannot be read"
	}
	var names []string
	for name := range q {
		if pipeline.IsSecret(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return slices.Min(names)
}

func parseFile(u *url.URL) (Source, error) {
	if u.Host != "" || !strings.HasPrefix(u.Path, "/") || u.RawQuery != "" || u.Fragment != "" {
		return Source{}, &AddressError{"a path after file:// begins with a slash, and nothing follows it", "such as file:///data/store/images"}
	}
	return Source{URL: FileURL(fromURLPath(u.Path)), kind: folder}, nil
}

func parseLocal(r Request) (Source, error) {
	abs := r.Address
	if !filepath.IsAbs(abs) {
		abs = filepath.Join(r.Dir, abs)
	}
	abs, err := filepath.Abs(abs)
	if err != nil {
		return Source{}, err
	}
	if _, err := os.Stat(abs); err != nil {
		return Source{}, &SourceError{Source: r.Address, Msg: "this is neither an address nor a path on this machine", Hint: "such as https://example.org/data.csv, s3://bucket/data or ../other/data", Err: err}
	}
	return Source{URL: FileURL(abs), kind: folder}, nil
}

// IsRepository reports whether an address looks like that of a git repository,
// or is the path of one.
func IsRepository(address, dir string) bool {
	scheme, rest, ok := strings.Cut(address, "://")
	switch {
	case !ok && isScp(address):
		return true
	case !ok:
		if !filepath.IsAbs(address) {
			address = filepath.Join(dir, address)
		}
		return git.IsRepository(address)
	case strings.HasPrefix(scheme, "git+"), scheme == "git", scheme == "ssh":
		return true
	case scheme == "file":
		u, err := url.Parse(address)
		return err == nil && git.IsRepository(fromURLPath(u.Path))
	case scheme != "https" && scheme != "http":
		return false
	}
	return strings.HasSuffix(strings.TrimRight(rest, "/"), ".git") || isForge(rest)
}

// forges are sites on which OWNER/NAME is a git repository.
var forges = []string{"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"}

func isForge(rest string) bool {
	parts := strings.Split(strings.TrimRight(rest, "/"), "/")
	return len(parts) == 3 && slices.Contains(forges, parts[0]) && !strings.ContainsAny(rest, "?#")
}
