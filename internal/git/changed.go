package git

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Changed returns the files at or below dir whose content is new: what the index
// has and HEAD has not, or what a commit has and its first parent has not. A file
// that only moved is not among them. Where history is cut off it returns none,
// since nobody can tell. It needs the git command.
func (s *Snapshot) Changed(dir string) ([]File, error) {
	args := []string{"diff-tree", "-r", "--root", "--no-commit-id"}
	var ends []string
	switch parent, err := s.parent(); {
	case err != nil:
		return nil, err
	case s.rev == "" && parent == "":
		return s.Below(dir), nil
	case s.rev == "":
		args, ends = []string{"diff-index", "--cached"}, []string{parent}
	case parent == "" && s.r.cutOff(s.rev):
		return nil, nil
	case parent == "":
		ends = []string{s.rev}
	default:
		ends = []string{parent, s.rev}
	}
	args = append(args, "--raw", "-z", "--no-abbrev", "-M100%", "--diff-filter=AMT", "--no-ext-diff", "--ignore-submodules=all")
	args = append(append([]string{"--literal-pathspecs"}, append(args, ends...)...), "--", dir)
	out, err := s.r.run(args...)
	if err != nil {
		return nil, err
	}
	var changed []File
	fields := strings.Split(string(out), "\x00")
	for i := 1; i < len(fields); i += 2 { // ":MODE MODE BLOB BLOB X", PATH
		if f, ok := s.files[fields[i]]; ok && f.Mode != Submodule {
			changed = append(changed, f)
		}
	}
	return changed, nil
}

// parent returns the commit that a snapshot is compared with; "" for none.
func (s *Snapshot) parent() (string, error) {
	if s.rev == "" {
		return s.r.Head()
	}
	parent, err := s.r.Resolve(s.rev + "^1")
	if unknown := (*RevisionError)(nil); errors.As(err, &unknown) {
		return "", nil
	}
	return parent, err
}

// cutOff reports whether a commit's parents were left out of a shallow clone.
func (r *Repo) cutOff(commit string) bool {
	f, err := os.Open(filepath.Join(r.Common, "shallow"))
	if err != nil {
		return false
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if sc.Text() == commit {
			return true
		}
	}
	return false
}

// Size returns how many bytes git stores of a file; 0 if this clone lacks it.
func (s *Snapshot) Size(f File) (int64, error) {
	r := s.r
	if f.in != nil {
		r = f.in
	}
	if r.repo != nil {
		r.mu.Lock()
		n, err := r.repo.Storer.EncodedObjectSize(plumbing.NewHash(f.Blob))
		r.mu.Unlock()
		if err == nil {
			return n, nil
		}
	}
	out, err := r.runInput([]byte(f.Blob+"\n"), "cat-file", "--batch-check=%(objectsize)")
	if err != nil {
		return 0, err
	}
	text := strings.TrimSpace(string(out))
	if strings.HasSuffix(text, " missing") {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("git cat-file: unexpected answer %q", text)
	}
	return n, nil
}
