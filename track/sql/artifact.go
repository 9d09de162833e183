package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/track"
)

var errNoCache = track.Errorf(track.InvalidState, "this store has no cache for artifacts")

// PutArtifact implements [track.Artifacts].
func (s *Store) PutArtifact(ctx context.Context, p track.Path, r io.Reader) (track.Artifact, error) {
	if s.cache == nil {
		return track.Artifact{}, errNoCache
	}
	if p.IsZero() {
		return track.Artifact{}, track.Errorf(track.InvalidParameter, "Invalid path")
	}
	sum, size, err := s.cache.PutStream(ctx, r)
	if err != nil {
		return track.Artifact{}, fmt.Errorf("store artifact %s: %w", p, err)
	}
	return s.nameArtifact(ctx, p, hash.Node{Kind: hash.File, Sum: sum, Size: size})
}

// LinkArtifact implements [track.Artifacts].
func (s *Store) LinkArtifact(ctx context.Context, p track.Path, n hash.Node) (track.Artifact, error) {
	if s.cache == nil {
		return track.Artifact{}, errNoCache
	}
	if p.IsZero() || n.Kind != hash.File && n.Kind != hash.Executable || !s.cache.HasFile(n) {
		return track.Artifact{}, track.Errorf(track.InvalidParameter, "artifact %s: the cache lacks its object %s", p, n.Sum.Short())
	}
	return s.nameArtifact(ctx, p, n)
}

func (s *Store) nameArtifact(ctx context.Context, p track.Path, n hash.Node) (a track.Artifact, err error) {
	err = s.repeat(ctx, func(t *tx) error {
		a = track.Artifact{Path: p, Node: n, Time: t.now}
		if err := t.checkPlace(p.String()); err != nil {
			return err
		}
		_, err := t.exec(`INSERT INTO artifacts (path, sum, size, executable, time) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (path) DO UPDATE SET sum = excluded.sum, size = excluded.size, executable = excluded.executable, time = excluded.time`,
			p.String(), n.Sum.String(), n.Size, bit(n.Kind == hash.Executable), t.now)
		return err
	})
	return a, err
}

// checkPlace reports whether a file may be at a path.
func (t *tx) checkPlace(p string) error {
	var above []string
	for i, c := range p {
		if c == '/' {
			above = append(above, p[:i])
		}
	}
	isFile, err := t.exists("SELECT 1 FROM artifacts WHERE "+t.inTexts("path")+" LIMIT 1", t.texts(above))
	if err == nil && isFile {
		err = track.Errorf(track.InvalidParameter, "Artifact path %s is below a file", p)
	}
	if err != nil {
		return err
	}
	from, to := below(p)
	isFolder, err := t.exists("SELECT 1 FROM artifacts WHERE path >= ? AND path < ? LIMIT 1", from, to)
	if err == nil && isFolder {
		err = track.Errorf(track.InvalidParameter, "Artifact path %s is a folder", p)
	}
	return err
}

// below returns the range of the paths in a folder: 0 comes after the slash.
func below(folder string) (from, to string) {
	if folder == "" {
		return "", "\xf4\x8f\xbf\xbf" // the last character that there is
	}
	return folder + "/", folder + "0"
}

const selectArtifacts = "SELECT path, sum, size, executable, time FROM artifacts"

func scanArtifact(scan func(...any) error) (a track.Artifact, err error) {
	var path, sum string
	var executable int64
	if err := scan(&path, &sum, &a.Node.Size, &executable, &a.Time); err != nil {
		return a, err
	}
	a.Node.Kind = hash.File
	if executable != 0 {
		a.Node.Kind = hash.Executable
	}
	if a.Path, err = track.ParsePath(path); err == nil {
		a.Node.Sum, err = hash.ParseSum(sum)
	}
	return a, err
}

// Artifact implements [track.Artifacts].
func (s *Store) Artifact(ctx context.Context, p track.Path) (a track.Artifact, err error) {
	err = s.view(ctx, func(c *conn) error {
		a, err = scanArtifact(func(dest ...any) error {
			return c.row(selectArtifacts+" WHERE path = ?", []any{p.String()}, dest...)
		})
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		from, to := below(p.String())
		a = track.Artifact{Path: p, IsDir: true}
		if isFolder, err := c.exists("SELECT 1 FROM artifacts WHERE path >= ? AND path < ? LIMIT 1", from, to); err != nil || isFolder {
			return err
		}
		return track.Errorf(track.NotFound, "No such artifact: '%s'", p)
	})
	return a, err
}

// OpenArtifact implements [track.Artifacts].
func (s *Store) OpenArtifact(ctx context.Context, p track.Path) (*os.File, track.Artifact, error) {
	a, err := s.Artifact(ctx, p)
	switch {
	case err != nil:
		return nil, a, err
	case a.IsDir:
		return nil, a, track.Errorf(track.InvalidParameter, "Artifact path refers to a directory, not a file: '%s'", p)
	case s.cache == nil:
		return nil, a, errNoCache
	}
	f, err := s.cache.OpenFile(a.Node.Sum)
	if errors.Is(err, fs.ErrNotExist) && s.fetch != nil {
		if err := s.fetch(ctx, a.Node); err != nil {
			return nil, a, fmt.Errorf("fetch artifact %s: %w", p, err)
		}
		f, err = s.cache.OpenFile(a.Node.Sum)
	}
	if err != nil {
		return nil, a, fmt.Errorf("open artifact %s: %w", p, err)
	}
	return f, a, nil
}

// ListArtifacts implements [track.Artifacts]. What is deeper down than one
// level is passed over, a folder at a time.
func (s *Store) ListArtifacts(ctx context.Context, p track.Path) (list []track.Artifact, err error) {
	err = s.view(ctx, func(c *conn) error {
		list = nil
		from, to := below(p.String())
		prefix := from
		for {
			a, more, err := c.nextArtifact(from, to)
			if err != nil || !more {
				return err
			}
			name, _, isDir := strings.Cut(strings.TrimPrefix(a.Path.String(), prefix), "/")
			if !isDir {
				list, from = append(list, a), a.Path.String()+"\x01"
				continue
			}
			folder, err := p.Join(name)
			if err != nil {
				return err
			}
			list = append(list, track.Artifact{Path: folder, IsDir: true})
			_, from = below(folder.String())
		}
	})
	slices.SortFunc(list, func(a, b track.Artifact) int { return strings.Compare(a.Path.String(), b.Path.String()) })
	return list, err
}

// nextArtifact returns the first artifact in a range of paths.
func (c *conn) nextArtifact(from, to string) (a track.Artifact, ok bool, err error) {
	a, err = scanArtifact(func(dest ...any) error {
		return c.row(selectArtifacts+" WHERE path >= ? AND path < ? ORDER BY path LIMIT 1", []any{from, to}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return a, false, nil
	}
	return a, err == nil, err
}

// WalkArtifacts implements [track.Artifacts]. It reads some at a time, so that
// f may take long.
func (s *Store) WalkArtifacts(ctx context.Context, p track.Path, f func(track.Artifact) error) error {
	const some = 1000
	from, to := below(p.String())
	for {
		var list []track.Artifact
		err := s.view(ctx, func(c *conn) error {
			list = nil
			return c.each(selectArtifacts+" WHERE path >= ? AND path < ? ORDER BY path LIMIT ?", []any{from, to, int64(some)}, func(scan func(...any) error) error {
				a, err := scanArtifact(scan)
				list = append(list, a)
				return err
			})
		})
		if err != nil {
			return err
		}
		for _, a := range list {
			if err := f(a); err != nil {
				return err
			}
		}
		if len(list) < some {
			return nil
		}
		from = list[some-1].Path.String() + "\x01"
	}
}

// DeleteArtifacts implements [track.Artifacts].
func (s *Store) DeleteArtifacts(ctx context.Context, p track.Path) error {
	return s.repeat(ctx, func(t *tx) error { return t.deleteArtifacts(p) })
}

func (t *tx) deleteArtifacts(p track.Path) error {
	from, to := below(p.String())
	_, err := t.exec("DELETE FROM artifacts WHERE path = ? OR path >= ? AND path < ?", p.String(), from, to)
	return err
}
