package track

import (
	"context"
	"io"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/xtrepro/xt/hash"
)

// Path names an artifact, or a folder of them, in a store: slashes between
// names that are not empty, "." or "..". The zero Path is the folder of all.
// There is no other way to make one than through the check in [ParsePath], so
// that what has one need not fear where it leads.
type Path struct{ s string }

// ParsePath reads a path. "" and "." are the zero Path; slashes at the end, and
// "." between others, are passed over.
func ParsePath(s string) (Path, error) {
	for _, bad := range []string{"\\", "\x00", "//"} {
		if strings.Contains(s, bad) {
			return Path{}, Errorf(InvalidParameter, "Invalid path")
		}
	}
	names := strings.Split(s, "/")
	for i, name := range names {
		if name == ".." || !utf8.ValidString(name) || name == "" && i == 0 && len(names) > 1 || i == 0 && isDrive(name) {
			return Path{}, Errorf(InvalidParameter, "Invalid path")
		}
	}
	clean := path.Clean(s)
	if clean == "." {
		clean = ""
	}
	return Path{clean}, nil
}

// isDrive reports whether Windows would take the name for a disk.
func isDrive(name string) bool { return len(name) == 2 && name[1] == ':' }

// Join returns the path s below p. It is an error where [ParsePath] has one.
func (p Path) Join(s string) (Path, error) {
	below, err := ParsePath(s)
	if err != nil || below.s == "" {
		return p, err
	}
	if p.s == "" {
		return below, nil
	}
	return Path{p.s + "/" + below.s}, nil
}

// String returns the path as [ParsePath] reads it.
func (p Path) String() string { return p.s }

// Base returns the last name of the path.
func (p Path) Base() string { return path.Base(p.s) }

// IsZero reports whether p is the folder of all.
func (p Path) IsZero() bool { return p.s == "" }

// artifactScheme starts the URLs of artifacts that are in the store.
const artifactScheme = "mlflow-artifacts:"

// ArtifactPathOf returns the folder in the store that a URL of the form
// "mlflow-artifacts:/PATH" names, with or without a host. It is false for
// others, which are somewhere else, and whose files the clients read and write
// themselves.
func ArtifactPathOf(uri string) (Path, bool) {
	rest, ok := strings.CutPrefix(uri, artifactScheme)
	if !ok {
		return Path{}, false
	}
	if host, ok := strings.CutPrefix(rest, "//"); ok {
		_, rest, _ = strings.Cut(host, "/")
	}
	p, err := ParsePath(strings.TrimPrefix(rest, "/"))
	return p, err == nil
}

// Artifact is a file in the store, or a folder, which is there as long as
// something is in it.
type Artifact struct {
	Path  Path
	IsDir bool
	Node  hash.Node // of a file: digest, size, whether it is executable
	Time  int64     // of a file: when it was stored
}

// Artifacts keeps the files of runs and models. They are objects in xt's cache;
// the store has the names.
type Artifacts interface {
	// PutArtifact stores what it reads as the file p, in place of what was
	// there, in one step. It is InvalidParameter if p, or what is above it, is
	// in use the other way: as a folder, or as a file.
	PutArtifact(ctx context.Context, p Path, r io.Reader) (Artifact, error)
	// LinkArtifact is PutArtifact for a file that the cache has.
	LinkArtifact(ctx context.Context, p Path, n hash.Node) (Artifact, error)
	// Artifact returns what is at p. It is NotFound if nothing is.
	Artifact(ctx context.Context, p Path) (Artifact, error)
	// OpenArtifact opens the file p for reading.
	OpenArtifact(ctx context.Context, p Path) (*os.File, Artifact, error)
	// ListArtifacts returns what is in the folder p, by name, folders and files
	// together. A folder that is not there is empty, and so is a file.
	ListArtifacts(ctx context.Context, p Path) ([]Artifact, error)
	// WalkArtifacts calls f for each file below p, by path, until f has an error.
	WalkArtifacts(ctx context.Context, p Path, f func(Artifact) error) error
	// DeleteArtifacts deletes the file p or what is below the folder p. It does
	// nothing if nothing is there.
	DeleteArtifacts(ctx context.Context, p Path) error
}
