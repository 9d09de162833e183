package git

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// File is a file as git has it: in a commit or staged in the index.
type File struct {
	Path string // relative to the top of the working tree, with slashes
	Mode FileMode
	Blob string // the object's name

	in *Repo // that has the object; nil for the snapshot's own
}

// FileMode is what git remembers of a file's mode.
type FileMode uint8

// The modes that git knows.
const (
	Regular FileMode = iota
	Executable
	Symlink
	Submodule
)

// Snapshot is all files of one commit, or of the index: what git is about to
// commit. Several goroutines may read from one.
type Snapshot struct {
	r     *Repo
	rev   string
	files map[string]File

	once   sync.Once
	sorted []string // the paths of the files; made on first need
}

// Index returns what is staged: the files of the next commit. A path with an
// unresolved conflict is left out.
//
// "git commit -a" and "git commit PATH" stage into another index than the
// repository's own, and name it to their hooks. Only git knows what that means.
func (r *Repo) Index() (*Snapshot, error) {
	if r.repo != nil && os.Getenv("GIT_INDEX_FILE") == "" {
		if files, err := r.indexFiles(); err == nil {
			return &Snapshot{r: r, files: files}, nil
		}
	}
	out, err := r.run("ls-files", "--stage", "-z", "--full-name", ":/")
	if err != nil {
		return nil, err
	}
	files, err := parseRecords("ls-files", out, func(words []string) (string, bool) { return words[1], words[2] == "0" })
	return &Snapshot{r: r, files: files}, err
}

func (r *Repo) indexFiles() (map[string]File, error) {
	idx, err := r.repo.Storer.Index()
	if err != nil {
		return nil, err
	}
	files := make(map[string]File, len(idx.Entries))
	for _, e := range idx.Entries {
		if e.Stage == 0 {
			files[e.Name] = File{Path: e.Name, Mode: modeOf(e.Mode), Blob: e.Hash.String()}
		}
	}
	return files, nil
}

// parseRecords reads the "MODE … …\tPATH\0" records of a git command. blob picks
// the object's name out of the three words before the path; a record that it
// declines is left out.
func parseRecords(command string, out []byte, blob func(words []string) (name string, ok bool)) (map[string]File, error) {
	files := map[string]File{}
	for rec := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if rec == "" {
			continue
		}
		meta, path, ok := strings.Cut(rec, "\t")
		words := strings.Fields(meta)
		if !ok || len(words) != 3 {
			return nil, fmt.Errorf("git %s: unexpected record %q", command, rec)
		}
		mode, err := filemode.New(words[0])
		if err != nil {
			return nil, fmt.Errorf("git %s: %w", command, err)
		}
		if name, ok := blob(words); ok {
			files[path] = File{Path: path, Mode: modeOf(mode), Blob: name}
		}
	}
	return files, nil
}

// At returns the files of the commit that rev names.
func (r *Repo) At(rev string) (*Snapshot, error) {
	commit, err := r.Resolve(rev)
	if err != nil {
		return nil, err
	}
	if commit == "" {
		return nil, &RevisionError{Rev: rev, Unborn: true}
	}
	if r.repo != nil {
		if files, err := r.commitFiles(commit); err == nil {
			return &Snapshot{r: r, rev: commit, files: files}, nil
		}
	}
	out, err := r.run("ls-tree", "-r", "-z", "--full-tree", commit)
	if err != nil {
		return nil, err
	}
	files, err := parseRecords("ls-tree", out, func(words []string) (string, bool) { return words[2], true })
	return &Snapshot{r: r, rev: commit, files: files}, err
}

func (r *Repo) commitFiles(commit string) (map[string]File, error) {
	c, err := r.repo.CommitObject(plumbing.NewHash(commit))
	if err != nil {
		return nil, err
	}
	tree, err := c.Tree()
	if err != nil {
		return nil, err
	}
	files := map[string]File{}
	w := object.NewTreeWalker(tree, true, nil)
	defer w.Close()
	for {
		name, e, err := w.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if e.Mode != filemode.Dir {
			files[name] = File{Path: name, Mode: modeOf(e.Mode), Blob: e.Hash.String()}
		}
	}
}

func modeOf(m filemode.FileMode) FileMode {
	switch m {
	case filemode.Executable:
		return Executable
	case filemode.Symlink:
		return Symlink
	case filemode.Submodule:
		return Submodule
	}
	return Regular
}

// File returns the entry at path.
func (s *Snapshot) File(path string) (File, bool) {
	f, ok := s.files[path]
	return f, ok
}

// Has reports whether there is something at path: a file, or files below it.
func (s *Snapshot) Has(path string) bool {
	_, ok := s.files[path]
	return ok || len(s.within(path)) > 0
}

// Below returns the files at or below the path, in no order.
func (s *Snapshot) Below(path string) []File {
	var below []File
	if f, ok := s.files[path]; ok {
		below = append(below, f)
	}
	for _, name := range s.within(path) {
		below = append(below, s.files[name])
	}
	return below
}

// within returns the paths of the files in the directory dir and below it.
func (s *Snapshot) within(dir string) []string {
	s.once.Do(func() { s.sorted = slices.Sorted(maps.Keys(s.files)) })
	if dir == "." {
		return s.sorted
	}
	from, _ := slices.BinarySearch(s.sorted, dir+"/")
	to, _ := slices.BinarySearch(s.sorted, dir+string('/'+1))
	return s.sorted[from:to]
}

// ReadFile returns the bytes of the file at path as git stores them; for a
// symbolic link its target. An absent path is [fs.ErrNotExist].
func (s *Snapshot) ReadFile(path string) ([]byte, error) {
	f, ok := s.files[path]
	if !ok || f.Mode == Submodule {
		return nil, notExist(s.rev, path)
	}
	if f.in != nil {
		return f.in.blob(f.Blob)
	}
	return s.r.blob(f.Blob)
}

func (r *Repo) blob(name string) ([]byte, error) {
	if r.repo == nil {
		return r.run("cat-file", "blob", name)
	}
	if content, ok := r.loose(name); ok {
		return content, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b, err := r.repo.BlobObject(plumbing.NewHash(name))
	if errors.Is(err, plumbing.ErrObjectNotFound) && haveCommand() {
		// A partial clone fetches what is missing when git itself asks.
		return r.run("cat-file", "blob", name)
	}
	if err != nil {
		return nil, fmt.Errorf("read git object %s: %w", name, err)
	}
	rd, err := b.Reader()
	if err != nil {
		return nil, fmt.Errorf("read git object %s: %w", name, err)
	}
	defer rd.Close()
	return io.ReadAll(rd)
}
