package git

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Dirty returns those of the paths, relative to the top, at or below which the
// working tree differs from HEAD: changed, staged, deleted or not in git. It
// says "all of them" where git cannot be asked, because provenance must not
// claim a commit that it cannot vouch for.
func (r *Repo) Dirty(paths []string) ([]string, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	if !haveCommand() {
		return paths, nil
	}
	args := []string{"--literal-pathspecs", "status", "--porcelain", "-z", "--untracked-files=normal", "--ignored=matching", "--no-renames", "--"}
	out, err := r.run(append(args, paths...)...)
	if err != nil {
		return nil, err
	}
	changed := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	var dirty []string
	for _, p := range paths {
		if touches(changed, p) {
			dirty = append(dirty, p)
		}
	}
	return dirty, nil
}

// Diff returns how the files that git knows differ from HEAD, as a patch that "git
// apply" takes; nothing if they do not.
func (r *Repo) Diff() ([]byte, error) {
	return r.run("diff", "--binary", "--no-color", "--no-ext-diff", "--no-textconv", "HEAD")
}

// touches reports whether one of git's status records concerns path: the path
// itself, something below it, or an untracked directory above it. An ignored
// file below a directory is not part of the code, but an ignored path is not
// in git.
func touches(records []string, path string) bool {
	for _, rec := range records {
		if len(rec) < 4 {
			continue
		}
		name := strings.TrimSuffix(rec[3:], "/")
		if name == path || strings.HasPrefix(path, name+"/") {
			return true
		}
		if rec[:2] != "!!" && (path == "." || strings.HasPrefix(name, path+"/")) {
			return true
		}
	}
	return false
}

// Worktrees returns the tops of the other working trees of this repository that
// exist, the main one among them.
func (r *Repo) Worktrees() []string {
	var tops []string
	if main := r.MainTop(); main != "" && main != r.Top {
		tops = append(tops, main)
	}
	links, _ := filepath.Glob(filepath.Join(r.Common, "worktrees", "*", "gitdir"))
	for _, link := range links {
		b, err := os.ReadFile(link)
		if err != nil {
			continue
		}
		top := filepath.Dir(strings.TrimSpace(string(b)))
		if real, err := filepath.EvalSymlinks(top); err == nil && real != r.Top {
			tops = append(tops, real)
		}
	}
	return tops
}

// Ignored returns those of the paths, relative to the top, that git ignores.
func (r *Repo) Ignored(paths []string) map[string]bool {
	ignored := map[string]bool{}
	if len(paths) == 0 || !haveCommand() {
		return ignored
	}
	in := strings.Join(paths, "\x00") + "\x00"
	// Exit status 1 says that none is ignored; the output says it too.
	out, _ := r.runInput([]byte(in), "check-ignore", "-z", "--stdin", "--no-index")
	for p := range strings.SplitSeq(string(out), "\x00") {
		if p != "" {
			ignored[p] = true
		}
	}
	return ignored
}

// AddWorktree checks a commit out in a new linked working tree at dir, without
// running hooks. The function that it returns removes it again, with all that is
// in it.
func (r *Repo) AddWorktree(dir, commit string) (remove func() error, err error) {
	if !haveCommand() {
		return nil, ErrNoCommand
	}
	if _, err := r.run("-c", "core.hooksPath="+os.DevNull, "worktree", "add", "--quiet", "--force", "--detach", "--", dir, commit); err != nil {
		return nil, err
	}
	return func() error {
		if _, err := r.run("worktree", "remove", "--force", "--force", dir); err != nil {
			// Something in it could not be deleted, or git no longer knows it.
			return errors.Join(os.RemoveAll(dir), r.pruneWorktrees())
		}
		return nil
	}, nil
}

func (r *Repo) pruneWorktrees() error {
	_, err := r.run("worktree", "prune")
	return err
}
