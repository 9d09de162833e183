package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
)

// protocols are those that a repository may come by. Others, such as ext, run
// whatever the address says.
const protocols = "file:git:http:https:ssh"

// FetchError says that the git command could not get something from a repository
// elsewhere.
type FetchError struct {
	URL string
	Msg string // what git said, on one line
}

// Error says which repository it is, and what git said.
func (e *FetchError) Error() string { return fmt.Sprintf("git cannot read %s: %s", e.URL, e.Msg) }

// Hints says what to check.
func (e *FetchError) Hints() []string {
	return []string{fmt.Sprintf("see whether \"git ls-remote %s\" works: xt uses git's own credential helpers and SSH keys, and asks for no password", e.URL)}
}

// ErrNoCommand says that there is no git command, which is needed.
var ErrNoCommand = errors.New("there is no git command on PATH, which is needed to read another repository")

// RemoteRef is a branch or tag of a repository elsewhere.
type RemoteRef struct {
	Name   string // as "refs/heads/main"
	Commit string
}

// LookUp asks a repository elsewhere for the branch or tag that rev names, and
// for its default branch if rev is "". ok is false if rev is neither, so that it
// may be a commit.
func LookUp(ctx context.Context, url, rev string) (ref RemoteRef, ok bool, err error) {
	out, err := remoteGit(ctx, "", url, nil, "ls-remote", "--", url)
	if err != nil {
		return RemoteRef{}, false, err
	}
	refs := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if commit, name, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && isObjectName(commit) {
			refs[name] = commit
		}
	}
	if rev == "" || rev == "HEAD" {
		commit, ok := refs["HEAD"]
		if !ok {
			return RemoteRef{}, false, &FetchError{url, "it has no commit"}
		}
		return RemoteRef{"HEAD", commit}, true, nil
	}
	for _, name := range []string{rev, "refs/tags/" + rev, "refs/heads/" + rev} {
		commit, ok := refs[name]
		if !ok || !strings.HasPrefix(name, "refs/") {
			continue
		}
		if peeled := refs[name+"^{}"]; peeled != "" {
			commit = peeled
		}
		return RemoteRef{name, commit}, true, nil
	}
	return RemoteRef{}, false, nil
}

func isObjectName(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// Clone gets from a repository elsewhere what rev names, without the content of
// the files where the server can leave that out, into the new bare repository
// dir. It returns that and the commit. No hook is run, and no submodule read.
func Clone(ctx context.Context, url, rev, dir string) (*Repo, string, error) {
	ref, ok, err := LookUp(ctx, url, rev)
	if err != nil {
		return nil, "", err
	}
	if err := newClone(ctx, url, dir); err != nil {
		return nil, "", err
	}
	commit, err := fetchCommit(ctx, url, rev, ref, ok, dir)
	if err != nil {
		return nil, "", err
	}
	r, err := Open(dir)
	if err != nil {
		return nil, "", err
	}
	if !ok {
		commit, err = r.Resolve(rev)
	}
	return r, commit, err
}

// newClone makes the bare repository of a clone, with nothing in it.
func newClone(ctx context.Context, url, dir string) error {
	if _, err := remoteGit(ctx, "", url, nil, "init", "--quiet", "--bare", "--template=", "--", dir); err != nil {
		return err
	}
	if _, err := remoteGit(ctx, dir, url, nil, "config", "remote.origin.url", url); err != nil {
		return err
	}
	// These hold also for what git starts itself, to get what is missing.
	for _, set := range quiet {
		key, value, _ := strings.Cut(set, "=")
		if _, err := remoteGit(ctx, dir, url, nil, "config", key, value); err != nil {
			return err
		}
	}
	return nil
}

// CloneTags gets the tags of a repository elsewhere, and the commits that they are
// on without what is in them where the server can leave that out, into the new
// bare repository dir.
func CloneTags(ctx context.Context, url, dir string) (*Repo, error) {
	if err := newClone(ctx, url, dir); err != nil {
		return nil, err
	}
	if _, err := remoteGit(ctx, dir, url, nil, "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--filter=tree:0", "--depth=1", "--", "origin", "+refs/tags/*:refs/tags/*"); err != nil {
		return nil, err
	}
	return Open(dir)
}

// fetchCommit fetches only what a name or a full commit leads to, where it can,
// and else all history, in which rev may be found.
func fetchCommit(ctx context.Context, url, rev string, ref RemoteRef, named bool, dir string) (string, error) {
	fetch := []string{"fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--filter=blob:none"}
	want := ""
	switch {
	case named:
		want = ref.Name
	case isObjectName(rev):
		want = rev
	}
	if want != "" {
		_, err := remoteGit(ctx, dir, url, nil, append(slices.Clone(fetch), "--depth=1", "--", "origin", "+"+want+":refs/xt/wanted")...)
		if err == nil {
			out, err := remoteGit(ctx, dir, url, nil, "rev-parse", "--verify", "--quiet", "refs/xt/wanted^{commit}")
			return strings.TrimSpace(string(out)), err
		}
		if named || ctx.Err() != nil {
			return "", err
		}
	}
	_, err := remoteGit(ctx, dir, url, nil, append(fetch, "--", "origin", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")...)
	return "", err
}

// Prefetch gets the content of files that a [Clone] has left out, all at once.
// Where that does not work they come one by one, as they are read.
func (r *Repo) Prefetch(ctx context.Context, url string, files []File) error {
	var want strings.Builder
	for _, f := range files {
		if f.Mode != Submodule {
			want.WriteString(f.Blob + "\n")
		}
	}
	if want.Len() == 0 {
		return nil
	}
	// Without negotiation, or git asks for what it lacks one by one.
	_, err := remoteGit(ctx, r.Dir, url, []byte(want.String()), "-c", "fetch.negotiationAlgorithm=noop", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--filter=blob:none", "--stdin", "origin")
	if ctx.Err() != nil {
		return err
	}
	return nil
}

// strangers are variables that would make git work on another repository than
// the one that it is to work on, as in a hook.
var strangers = []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
	"GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_CONFIG", "GIT_ALLOW_PROTOCOL", "GIT_TERMINAL_PROMPT"}

// environ is what a git command sees that reads from elsewhere.
func environ() []string {
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains(strangers, name)
	})
	return append(env, "LC_ALL=C", "GIT_ALLOW_PROTOCOL="+protocols, "GIT_TERMINAL_PROMPT=0")
}

// quiet are settings with which git runs nothing on the side.
var quiet = []string{"core.hooksPath=" + os.DevNull, "core.fsmonitor=false", "gc.auto=0", "maintenance.auto=false"}

// remoteGit runs git, in a repository if dir is not empty, with nothing run that
// the user or the repository has configured to run.
func remoteGit(ctx context.Context, dir, url string, stdin []byte, args ...string) ([]byte, error) {
	if !haveCommand() {
		return nil, ErrNoCommand
	}
	var all []string
	for _, set := range quiet {
		all = append(all, "-c", set)
	}
	if dir != "" {
		all = append(all, "--git-dir="+dir)
	}
	cmd := exec.CommandContext(ctx, "git", append(all, args...)...)
	cmd.Env, cmd.Stdin = environ(), bytes.NewReader(stdin)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	if end := ctx.Err(); end != nil {
		return nil, end
	}
	msg := said(printable(stderr.String()))
	if msg == "" {
		msg = err.Error()
	}
	return nil, &FetchError{url, msg}
}

// printable leaves out what would do something to a terminal: git hands on what
// the other side says.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}

// said returns what git says went wrong, on one line: what is fatal, or what ssh
// said before that.
func said(stderr string) string {
	first := ""
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		rest, fatal := strings.CutPrefix(line, "fatal: ")
		if fatal && (first == "" || !strings.HasPrefix(rest, "Could not read from remote")) {
			return rest
		}
		if first == "" && !strings.HasPrefix(line, "warning: ") && !strings.HasPrefix(line, "remote: ") {
			first = line
		}
	}
	return first
}

// IsRepository reports whether there is a git repository at dir itself, bare or
// with a working tree.
func IsRepository(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, ".git"))
	return err == nil || isBare(dir)
}
