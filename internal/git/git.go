// Package git answers xt's questions about a git repository.
//
// Objects, refs and the index are read with go-git, in this process. What go-git
// does slowly or not the way git does (status, log, ignore rules) is asked of
// the git command, and so is everything in a repository whose format go-git
// cannot open. Without a git command those answers are "not known".
package git

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
)

// ErrNoRepository says that a directory is in no git repository.
var ErrNoRepository = errors.New("not in a git repository")

// Repo is a git repository seen from one working tree, or from a bare clone.
type Repo struct {
	Top    string // absolute path of the working tree; "" in a bare repository
	Dir    string // absolute path of this working tree's git directory
	Common string // absolute path of the git directory that linked worktrees share

	repo *gogit.Repository // nil where go-git cannot open it
	mu   sync.Mutex        // held while a snapshot has go-git read objects, which it does for one at a time
}

// Open finds the repository that dir lies in. [ErrNoRepository] means that there
// is none.
func Open(dir string) (*Repo, error) {
	top, gitDir, err := find(dir)
	if err != nil {
		return nil, err
	}
	r := &Repo{Top: top, Dir: gitDir, Common: commonDir(gitDir)}
	where := top
	if where == "" {
		where = gitDir
	}
	repo, err := gogit.PlainOpenWithOptions(where, &gogit.PlainOpenOptions{EnableDotGitCommonDir: true})
	switch {
	case err == nil:
		r.repo = repo
	case !haveCommand():
		return nil, fmt.Errorf("open git repository %s: %w", where, err)
	}
	return r, nil
}

// find walks up from dir to a working tree's .git or to a bare repository.
func find(dir string) (top, gitDir string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", "", err
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	for {
		dot := filepath.Join(dir, ".git")
		if info, err := os.Stat(dot); err == nil {
			if info.IsDir() {
				return dir, dot, nil
			}
			if target, ok := gitFile(dot); ok {
				return dir, target, nil
			}
		}
		if isBare(dir) {
			return "", dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", "", ErrNoRepository
		}
		dir = parent
	}
}

// gitFile reads the "gitdir: PATH" of a linked worktree or a submodule.
func gitFile(name string) (string, bool) {
	b, err := os.ReadFile(name)
	target, ok := strings.CutPrefix(strings.TrimSpace(string(b)), "gitdir: ")
	if err != nil || !ok {
		return "", false
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(name), target)
	}
	return filepath.Clean(target), true
}

func isBare(dir string) bool {
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

func commonDir(gitDir string) string {
	b, err := os.ReadFile(filepath.Join(gitDir, "commondir"))
	if err != nil {
		return gitDir
	}
	dir := strings.TrimSpace(string(b))
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(gitDir, dir)
	}
	return filepath.Clean(dir)
}

// MainTop returns the top of the main working tree, which linked worktrees
// share a cache with; "" where the main repository is bare.
func (r *Repo) MainTop() string {
	if filepath.Base(r.Common) == ".git" {
		return filepath.Dir(r.Common)
	}
	return ""
}

// Head returns the commit that is checked out, as 40 (or, with SHA-256, 64)
// hexadecimal digits; "" where there is no commit yet.
func (r *Repo) Head() (string, error) { return r.Resolve("HEAD") }

// Resolve returns the commit that rev names. An unknown rev is a
// [*RevisionError], except HEAD in a repository without commits, which is "".
func (r *Repo) Resolve(rev string) (string, error) {
	if r.repo != nil {
		r.mu.Lock()
		h, err := r.repo.ResolveRevision(plumbing.Revision(rev))
		r.mu.Unlock()
		if err == nil {
			return h.String(), nil
		}
		if rev == "HEAD" && errors.Is(err, plumbing.ErrReferenceNotFound) {
			return "", nil
		}
	}
	out, err := r.run("rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	if err != nil {
		if rev == "HEAD" {
			return "", nil
		}
		return "", &RevisionError{Rev: rev}
	}
	return strings.TrimSpace(string(out)), nil
}

// haveCommand reports whether there is a git command to ask.
func haveCommand() bool {
	_, err := exec.LookPath("git")
	return err == nil
}

// run asks the git command. Optional locks are off so that a question never
// disturbs a git that is running beside it.
func (r *Repo) run(args ...string) ([]byte, error) { return r.runInput(nil, args...) }

func (r *Repo) runInput(stdin []byte, args ...string) ([]byte, error) {
	return output(r.command(stdin, args...), args[0])
}

// output runs a command of git and returns what it wrote.
func output(cmd *exec.Cmd, name string) ([]byte, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if msg := strings.TrimSpace(stderr.String()); msg != "" {
			return out, fmt.Errorf("git %s: %s: %w", name, msg, err)
		}
		return out, fmt.Errorf("git %s: %w", name, err)
	}
	return out, nil
}

func (r *Repo) command(stdin []byte, args ...string) *exec.Cmd {
	where := r.Top
	if where == "" {
		where = r.Dir
	}
	cmd := exec.Command("git", append([]string{"-C", where}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
	cmd.Stdin = bytes.NewReader(stdin)
	return cmd
}

// RevisionError says that git has nothing of a name.
type RevisionError struct {
	Rev    string
	Unborn bool // there is no commit yet at all
}

// Error names the revision.
func (e *RevisionError) Error() string {
	if e.Unborn {
		return fmt.Sprintf("git knows no revision %q: there is no commit yet", e.Rev)
	}
	return fmt.Sprintf("git knows no revision %q", e.Rev)
}
