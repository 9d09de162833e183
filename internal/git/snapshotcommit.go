package git

import (
	"os"
	"path/filepath"
	"strings"
)

// CommitOf returns a commit whose files are those of another one with a patch
// applied to them, and whose parent that is. It is on no branch, and stays as long
// as a tag or another commit needs it. Neither the index nor the working tree is
// touched. The same arguments may give different commits: each is one of its own.
func (r *Repo) CommitOf(base string, patch []byte, message string) (string, error) {
	if !haveCommand() {
		return "", ErrNoCommand
	}
	dir, err := os.MkdirTemp("", "xt-index-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	index := filepath.Join(dir, "index")
	git := func(stdin []byte, args ...string) (string, error) {
		cmd := r.command(stdin, args...)
		cmd.Env = append(cmd.Env, "GIT_INDEX_FILE="+index)
		out, err := output(cmd, args[0])
		return strings.TrimSpace(string(out)), err
	}
	if _, err := git(nil, "read-tree", base); err != nil {
		return "", err
	}
	if len(patch) > 0 {
		if _, err := git(patch, "apply", "--cached", "--whitespace=nowarn", "-"); err != nil {
			return "", err
		}
	}
	tree, err := git(nil, "write-tree")
	if err != nil {
		return "", err
	}
	return git([]byte(message), "commit-tree", tree, "-p", base)
}
