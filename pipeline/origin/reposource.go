package origin

import (
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

// scpPattern is the short form of an SSH address, "user@host:path".
var scpPattern = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^:\s][^\s]*$`)

func isScp(s string) bool { return scpPattern.MatchString(s) }

// parseRepo reads the address of a path in a git repository.
func parseRepo(r Request) (Source, error) {
	at, err := repoURL(r)
	if err != nil {
		return Source{}, err
	}
	p := strings.TrimSuffix(r.Path, "/")
	switch {
	case p == "":
		return Source{}, &AddressError{"which path in the repository " + at + "?", "name it after the address, as its root has it: data/images"}
	case strings.HasPrefix(p, "/"), path.Clean(p) != p, !filepath.IsLocal(filepath.FromSlash(p)), strings.ContainsRune(p, 0):
		return Source{}, &AddressError{"a path in a repository is relative to its root and leads nowhere else", "such as data/images"}
	case strings.HasPrefix(r.Rev, "-"), strings.ContainsFunc(r.Rev, func(c rune) bool { return c <= ' ' || c == 0x7f }):
		return Source{}, &AddressError{"that is no name of a revision", "a branch, a tag or a commit, such as --rev v1.0"}
	}
	return Source{URL: at, Path: p, Rev: r.Rev, kind: repo}, nil
}

// repoURL returns the address of a repository as git and xt.lock take it.
func repoURL(r Request) (string, error) {
	a := strings.TrimPrefix(r.Address, "git+")
	if !strings.Contains(a, "://") {
		return localRepo(r, a)
	}
	u, err := url.Parse(a)
	if err != nil {
		return "", &AddressError{"this is no address of a git repository", "such as https://github.com/OWNER/NAME"}
	}
	_, password := u.User.Password()
	switch {
	case password, u.User != nil && u.Scheme != "ssh", u.RawQuery != "", u.Fragment != "":
		return "", &AddressError{"the address of a repository holds no user, password or anything after a question mark", "git's credential helpers know them: see git help credentials"}
	case u.Scheme == "file" && (u.Host != "" || !strings.HasPrefix(u.Path, "/")):
		return "", &AddressError{"a path after file:// begins with a slash", "such as file:///srv/repo.git"}
	case u.Scheme == "file":
		return FileURL(fromURLPath(u.Path)), nil
	case u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "ssh" && u.Scheme != "git":
		return "", &AddressError{"git repositories are not read by way of " + u.Scheme + "://", "https, ssh, git and file are"}
	case u.Host == "" || strings.HasPrefix(u.Host, "-") || strings.HasPrefix(u.User.Username(), "-"):
		return "", &AddressError{"the address names no host", "such as https://github.com/OWNER/NAME"}
	}
	return u.String(), nil
}

// localRepo returns the address of a repository on this machine, or the short
// form of an SSH address.
func localRepo(r Request, a string) (string, error) {
	if isScp(a) {
		return a, nil
	}
	if strings.Contains(a, "::") {
		return "", &AddressError{"git's remote helpers are not used, because they run whatever the address says", "https, ssh, git and file addresses are read"}
	}
	if !filepath.IsAbs(a) {
		a = filepath.Join(r.Dir, a)
	}
	abs, err := filepath.Abs(a)
	if err != nil {
		return "", err
	}
	return FileURL(abs), nil
}
