package pipeline

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/internal/suggest"
	"github.com/xtrepro/xt/remote"
	"github.com/xtrepro/xt/remote/store"
	"github.com/xtrepro/xt/seedenv"
)

// Transfer says how to go about moving data to and from remotes.
type Transfer struct {
	Remote string // its name; "" for the default, and for those that outputs name
	Jobs   int    // how many packs at a time; 0 for the default
	// Progress may be nil.
	Progress remote.Progress
	// Sent and Received, if not nil, are told of the bytes on the wire.
	Sent, Received func(n int64)
}

// NoRemoteError says that there is no remote to talk to.
type NoRemoteError struct {
	Msg  string
	Hint string
}

// Error says what is missing.
func (e *NoRemoteError) Error() string { return e.Msg }

// Hints says what to do about it.
func (e *NoRemoteError) Hints() []string { return []string{e.Hint} }

// DefaultRemote returns the name of the remote that is meant where none is named:
// the one that says so, or "origin", or the only one.
func (c *Config) DefaultRemote() (string, error) {
	names := slices.Sorted(maps.Keys(c.Remotes))
	for _, name := range names {
		if c.Remotes[name].Default {
			return name, nil
		}
	}
	switch _, ok := c.Remotes["origin"]; {
	case ok:
		return "origin", nil
	case len(names) == 1:
		return names[0], nil
	case len(names) == 0:
		return "", &NoRemoteError{"xt.toml has no remote", "add one: xt remote add origin s3://BUCKET/PREFIX"}
	}
	return "", &NoRemoteError{"xt.toml has several remotes and no default: " + strings.Join(names, ", "), "name one with -r, or write default = true below one of them in xt.toml"}
}

// remoteNamed returns what xt.toml says of a remote.
func (c *Config) remoteNamed(name string) (Remote, error) {
	r, ok := c.Remotes[name]
	if ok {
		return r, nil
	}
	names := slices.Sorted(maps.Keys(c.Remotes))
	hint := suggest.DidYouMean(name, names)
	switch {
	case hint != "":
	case len(names) == 0:
		hint = fmt.Sprintf("add it: xt remote add %s s3://BUCKET/PREFIX", name)
	default:
		hint = "there are " + strings.Join(names, ", ")
	}
	return r, &NoRemoteError{fmt.Sprintf("xt.toml has no remote %q", name), hint}
}

// OpenRemote opens a remote of xt.toml. If it is not there, it is made where
// create is set; else the error wraps [remote.ErrEmpty].
func (w *Workspace) OpenRemote(ctx context.Context, name string, create bool, t Transfer) (*remote.Remote, error) {
	cfg, err := w.Graph.Config.remoteNamed(name)
	if err != nil {
		return nil, err
	}
	log := func(format string, args ...any) { w.say(format, args...) }
	st, err := store.Open(ctx, cfg.URL, store.Options{Sent: t.Sent, Received: t.Received, Log: log, Environ: w.environ})
	if err != nil {
		return nil, fmt.Errorf("remote %s: %w", name, err)
	}
	opts := remote.Options{
		Name: name, Address: cfg.URL, Dir: filepath.Join(w.Cache.Dir(), "remotes"),
		Recipients: cfg.Recipients, Identities: w.identities,
		Jobs: t.Jobs, Log: log,
	}
	open := remote.Open
	if create {
		open = remote.Create
	}
	return open(ctx, st, opts)
}

func (w *Workspace) identities() ([]age.Identity, error) {
	return remote.Identities(func(name string) (string, bool) { return seedenv.Lookup(w.environ, name) })
}

// route returns the remote that the content of a path is sent to; "" if it is not
// sent at all. For a path that xt.toml does not name, say of an older commit, it
// is the default.
func (w *Workspace) route(path, byDefault string) string {
	for _, m := range w.Graph.Producers(path) {
		switch {
		case m.Out.Cache && !m.Out.Push:
			return ""
		case m.Out.Remote != "":
			return m.Out.Remote
		}
	}
	return byDefault
}

// owner returns a word that no other clone of the project has.
func (w *Workspace) owner() (string, error) {
	path := w.state("clone")
	b, err := os.ReadFile(path)
	if err == nil && len(b) == 16 {
		return string(b), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	word := hex.EncodeToString(random)
	if err := MakeStateDir(w.Root); err != nil {
		return "", err
	}
	return word, atomicfile.Write(path, []byte(word), 0o666)
}

// projectName returns what the project is called.
func (w *Workspace) projectName() string {
	if name := w.Graph.Config.Name; name != "" {
		return name
	}
	return filepath.Base(w.Root)
}
