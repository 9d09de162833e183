package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/internal/keylock"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/seedenv"
)

// The names of xt's own files in a project.
const (
	ConfigFile = "xt.toml"
	LockFile   = "xt.lock"
	StateDir   = ".xt" // the workspace's own state, and by default the cache
)

// ErrNoProject says that a directory is in no project.
var ErrNoProject = errors.New("no xt.toml here or in a directory above")

// Workspace is a project in a directory: what it declares, what its lock file
// says, and where its data is kept.
type Workspace struct {
	Root  string    // absolute
	Graph *Graph    // from xt.toml
	Repo  *git.Repo // nil outside git
	Lock  *lock.Store
	Cache *cache.Cache
	Scan  *hash.Scanner

	// Log, if not nil, gets a line for each step that takes long.
	Log io.Writer
	// Artifacts, if not nil, returns what runs of the workspace logged, which remotes
	// are to have and to keep.
	Artifacts func(ctx context.Context) ([]hash.Node, error)
	// Tracker, if not nil, keeps executions as runs.
	Tracker Tracker
	// Hurry, if not nil, is closed when commands are to be killed rather than
	// asked to end.
	Hurry <-chan struct{}

	elsewhere *elsewhere // what remotes have, during a run that takes from them; else nil

	scratch string // see OpenOptions
	granted []string
	config  Source       // what xt.toml and the params files are read from
	copies  *cache.Cache // the same cache, for what must not become a link
	prefix  string       // of Root below the top of the git repository: "" or "dir/"
	environ []string
	*common
}

// common is what a workspace shares with its variants.
type common struct {
	python pythons
	saying sync.Mutex
	heads  heads
	blames blames
	making keylock.Locks[hash.Fingerprint]
	pinned *pinned // what xt.toml and the params files were at the beginning
}

// FindRoot returns the nearest directory, dir itself or one above it, that
// holds a project. [ErrNoProject] means that there is none.
func FindRoot(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	for {
		if isProject(dir) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", ErrNoProject
		}
		dir = parent
	}
}

func isProject(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, ConfigFile))
	return err == nil
}

// Settings is what a user sets for one workspace alone, over what xt.toml says.
type Settings struct {
	CacheDir string   // "" for the default
	Links    []string // ways to bring files into the workspace, the preferred first; nil for the default
}

// OpenOptions say how a workspace is opened.
type OpenOptions struct {
	Overrides []Override
	Settings  func(root string) (Settings, error) // nil for none
	Environ   []string                            // what commands inherit; nil for this process's own
	Config    Source                              // what xt.toml and the params files are read from; nil for the project's directory
	// Scratch is where the directories of isolated commands are made; "" stands for
	// the state directory. Such commands are no business of who holds the workspace.
	Scratch string
	Granted []string // names of variables that isolated commands get beside what stages declare
}

// Open opens the project that dir lies in. It reads xt.toml and xt.lock and
// writes nothing. A mistake in xt.toml is a [*ConfigErrors], one in xt.lock a
// [*lock.Error].
func Open(dir string, opts OpenOptions) (*Workspace, error) {
	root, err := FindRoot(dir)
	if err != nil {
		return nil, err
	}
	config := opts.Config
	if config == nil {
		config = Dir(root)
	}
	first := &pinned{Source: config, texts: map[string][]byte{}}
	graph, err := Load(first, opts.Overrides...)
	if err != nil {
		return nil, err
	}
	w := &Workspace{Root: root, Graph: graph, config: config, environ: opts.Environ, scratch: opts.Scratch, granted: opts.Granted, common: &common{pinned: first}}
	if w.environ == nil {
		w.environ = os.Environ()
	}
	if err := w.openRepo(); err != nil {
		return nil, err
	}
	if err := w.reopen(); err != nil {
		return nil, err
	}
	var set Settings
	if opts.Settings != nil {
		if set, err = opts.Settings(root); err != nil {
			return nil, err
		}
	}
	if err := w.openCache(set); err != nil {
		return nil, err
	}
	w.python.interpreters = seedenv.OpenInterpreters(w.state("interpreters.json"))
	w.Scan = &hash.Scanner{Root: root, Index: hash.OpenIndex(w.state("index")), Objects: w.Cache.Objects()}
	return w, nil
}

// reopen reads xt.lock, again where this process has waited for another one
// that may have changed it.
func (w *Workspace) reopen() error {
	store, err := lock.OpenStore(w.path(LockFile), w.state("journal"))
	if err != nil {
		return err
	}
	if w.Lock != nil {
		w.Lock.Close()
	}
	w.Lock = store
	return nil
}

func (w *Workspace) openRepo() error {
	repo, err := git.Open(w.Root)
	switch {
	case errors.Is(err, git.ErrNoRepository):
		return nil
	case err != nil:
		return err
	case repo.Top == "":
		return nil // a bare repository above has no working tree that this could be part of
	}
	w.Repo = repo
	w.prefix = prefixOf(repo, w.Root)
	return nil
}

// prefixOf returns what git puts before the paths of the project at root.
func prefixOf(repo *git.Repo, root string) string {
	if rel, err := filepath.Rel(repo.Top, root); err == nil && rel != "." {
		return filepath.ToSlash(rel) + "/"
	}
	return ""
}

func (w *Workspace) openCache(set Settings) error {
	cfg := w.Graph.Config.Cache
	dir := set.CacheDir
	if dir == "" {
		dir = cfg.Dir
	}
	if dir == "" {
		dir = w.defaultCacheDir()
	}
	if !filepath.IsAbs(dir) {
		dir = w.path(dir)
	}
	words := set.Links
	if words == nil {
		words = cfg.Links
	}
	opts := cache.Options{Group: cfg.Shared}
	for _, word := range words {
		link, err := cache.ParseLink(word)
		if err != nil {
			return err
		}
		opts.Links = append(opts.Links, link)
	}
	var err error
	if w.Cache, err = cache.Open(dir, opts); err != nil {
		return err
	}
	opts.Links = []cache.Link{cache.Reflink, cache.Copy}
	w.copies, err = cache.Open(dir, opts)
	return err
}

// defaultCacheDir returns where the cache is unless something else is
// configured: in the project, which linked worktrees share with the main one.
func (w *Workspace) defaultCacheDir() string {
	if w.Repo == nil || w.Repo.Dir == w.Repo.Common {
		return w.state("cache")
	}
	if top := w.Repo.MainTop(); top != "" {
		return filepath.Join(top, filepath.FromSlash(w.prefix), StateDir, "cache")
	}
	return filepath.Join(w.Repo.Common, "xt", "cache")
}

// Prefix returns where the project is below the top of its git repository: "" or
// "dir/".
func (w *Workspace) Prefix() string { return w.prefix }

// path returns the absolute path of a slash path relative to the root.
func (w *Workspace) path(rel string) string {
	return filepath.Join(w.Root, filepath.FromSlash(rel))
}

// state returns the absolute path of something in the state directory.
func (w *Workspace) state(name string) string { return filepath.Join(w.Root, StateDir, name) }

// Rel returns the slash path, relative to the root, of a path that a user gave
// in the directory dir. A path outside the project is an error.
func (w *Workspace) Rel(dir, name string) (string, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	// The name itself may be a symbolic link that is meant as such.
	if real, err := filepath.EvalSymlinks(filepath.Dir(name)); err == nil {
		name = filepath.Join(real, filepath.Base(name))
	}
	rel, err := filepath.Rel(w.Root, name)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", fmt.Errorf("%s is outside the project %s", name, w.Root)
	}
	return filepath.ToSlash(rel), nil
}

// node returns what stands at a path; the zero Node if nothing does.
func (w *Workspace) node(ctx context.Context, path string) (hash.Node, error) {
	n, err := w.Scan.Scan(ctx, path)
	if absent(err) {
		return hash.Node{}, nil
	}
	return n, err
}

// absent reports whether err says that nothing is there, also because what
// should be a directory on the way is a file.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || isNotDir(err)
}

// nodes returns what stands at each of the paths; those where nothing does are
// left out.
func (w *Workspace) nodes(ctx context.Context, paths []string) (map[string]hash.Node, error) {
	slices.Sort(paths)
	paths = slices.Compact(paths)
	nodes := make(map[string]hash.Node, len(paths))
	for i, r := range w.Scan.ScanAll(ctx, paths) {
		switch {
		case r.Err == nil:
			nodes[paths[i]] = r.Node
		case !absent(r.Err):
			return nil, r.Err
		}
	}
	return nodes, nil
}

// SaveIndex remembers what was read, so that the next command need not read it.
// That is a convenience: where it cannot be written nothing is lost.
func (w *Workspace) SaveIndex() error {
	if _, err := os.Stat(w.state("")); err != nil {
		return nil
	}
	if err := w.Scan.Index.Save(); err != nil && !errors.Is(err, fs.ErrPermission) && !isReadOnly(err) {
		return err
	}
	return nil
}

// say tells people of a step that takes long.
func (w *Workspace) say(format string, args ...any) {
	if w.Log != nil {
		w.saying.Lock() // transfers say things from several goroutines
		defer w.saying.Unlock()
		fmt.Fprintf(w.Log, format+"\n", args...)
	}
}

// MakeStateDir makes the state directory of the project at root, which git
// ignores by a file of its own.
func MakeStateDir(root string) error {
	dir := filepath.Join(root, StateDir)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	ignore := filepath.Join(dir, ".gitignore")
	if _, err := os.Lstat(ignore); err == nil {
		return nil
	}
	return os.WriteFile(ignore, []byte("# xt's own state and cache\n*\n"), 0o666)
}
