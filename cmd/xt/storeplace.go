package main

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/sql"
)

// storeFlags say which store of runs a command is about.
func storeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "store", Usage: "the store of runs at `URL`: a file for SQLite, or postgres://USER@HOST/DATABASE"},
		&cli.StringFlag{Name: "artifacts", Usage: "keep the bytes of artifacts in `DIR`"},
	}
}

// storePlace is where runs are kept, and what belongs to them.
type storePlace struct {
	w      *pipeline.Workspace // nil outside a project
	url    string
	cache  *cache.Cache // of artifacts, logs and differences
	tokens string       // the file of tokens
	logs   string       // the directory of outputs of commands that go on
	title  string
}

// storePlace returns the place that the flags name, or that of the project that
// the user stands in, or the user's own.
func (a *app) storePlace(c *cli.Context) (*storePlace, error) {
	w, err := a.open()
	if errors.Is(err, pipeline.ErrNoProject) {
		w, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	p, err := placeOfRuns(w)
	if err != nil {
		return nil, err
	}
	dir := c.String("artifacts")
	if url := c.String("store"); url != "" {
		p.url, p.title = url, "the runs in "+redactURL(url)
		if file, ok := storeFile(url); ok {
			p.tokens = file + ".tokens"
			if dir == "" {
				dir = file + ".artifacts"
			}
		}
	}
	if dir != "" {
		p.cache, err = cache.Open(dir, cache.Options{})
	}
	return p, err
}

// storeFile returns the file of a store, false if that is a server.
func storeFile(url string) (string, bool) {
	if strings.Contains(url, "://") && !strings.HasPrefix(url, "sqlite:") {
		return "", false
	}
	return strings.TrimPrefix(strings.TrimPrefix(url, "sqlite:"), "//"), true
}

// redactURL hides a password.
func redactURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	return u.Redacted()
}

// placeOfRuns returns where the runs of a workspace are kept; of nil, those of the
// user outside projects.
func placeOfRuns(w *pipeline.Workspace) (*storePlace, error) {
	if w != nil {
		state := filepath.Join(w.Root, pipeline.StateDir)
		return &storePlace{
			w: w, url: runsFile(w.Root), cache: w.Cache, title: "the runs of " + w.Root,
			tokens: filepath.Join(state, "tokens"), logs: filepath.Join(state, pipeline.LogsDir),
		}, nil
	}
	dir, err := userDataDir()
	if err != nil {
		return nil, err
	}
	c, err := cache.Open(filepath.Join(dir, "cache"), cache.Options{})
	return &storePlace{
		url: filepath.Join(dir, "runs.db"), cache: c, title: "your runs in " + dir,
		tokens: filepath.Join(dir, "tokens"), logs: filepath.Join(dir, pipeline.LogsDir),
	}, err
}

// userDataDir returns where xt keeps what is the user's and no project's.
func userDataDir() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "xt"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "share", "xt"), nil
}

// runsFile returns where the runs of the workspace at root are.
func runsFile(root string) string { return filepath.Join(root, pipeline.StateDir, "runs.db") }

func (p *storePlace) open(ctx context.Context) (*sql.Store, error) {
	if p.w != nil {
		if err := pipeline.MakeStateDir(p.w.Root); err != nil {
			return nil, err
		}
	}
	opts := sql.Options{Cache: p.cache}
	if p.w != nil && p.cache == p.w.Cache {
		// Others may have pushed them.
		opts.Fetch = func(ctx context.Context, n hash.Node) error { return p.w.Obtain(ctx, n) }
	}
	return sql.Open(ctx, p.url, opts)
}

// withRuns calls f with the store of runs that the command line names, or that of
// the project.
func (a *app) withRuns(c *cli.Context, f func(ctx context.Context, s track.Store) error) error {
	return a.withPlace(c, func(ctx context.Context, _ *storePlace, s track.Store) error { return f(ctx, s) })
}

// withPlace is withRuns for commands that also look at what belongs to the store.
func (a *app) withPlace(c *cli.Context, f func(ctx context.Context, p *storePlace, s track.Store) error) (err error) {
	place, err := a.storePlace(c)
	if err != nil {
		return err
	}
	s, err := place.open(c.Context)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return f(c.Context, place, s)
}

// runObjects returns what the runs of the workspace at root need of the cache:
// artifacts, outputs of commands, changes.
func runObjects(ctx context.Context, root string) ([]hash.Node, error) {
	return nodesOfRuns(ctx, root, (*sql.Store).Objects)
}

// runArtifacts returns the artifacts of the runs of the workspace at root.
func runArtifacts(ctx context.Context, root string) ([]hash.Node, error) {
	return nodesOfRuns(ctx, root, func(s *sql.Store, ctx context.Context, f func(hash.Node) error) error {
		return s.WalkArtifacts(ctx, track.Path{}, func(a track.Artifact) error { return f(a.Node) })
	})
}

func nodesOfRuns(ctx context.Context, root string, walk func(*sql.Store, context.Context, func(hash.Node) error) error) (nodes []hash.Node, err error) {
	file := runsFile(root)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	s, err := sql.Open(ctx, file, sql.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	err = walk(s, ctx, func(n hash.Node) error { nodes = append(nodes, n); return nil })
	return nodes, err
}
