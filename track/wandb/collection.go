package wandb

import (
	"cmp"
	"context"
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/track"
)

// collection is the versions of an artifact under one name: a sequence, which runs
// add to, or a portfolio, to which versions of sequences are linked.
type collection struct {
	ID          string            `json:"id,omitempty"` // stays when the name changes; "" where it is the key
	Entity      string            `json:"entity"`
	Project     string            `json:"project"`
	Name        string            `json:"name"`
	Type        string            `json:"type"`
	Portfolio   bool              `json:"portfolio,omitempty"`
	Description string            `json:"description,omitempty"`
	Created     int64             `json:"created"`
	Updated     int64             `json:"updated,omitempty"`
	Versions    []string          `json:"versions"`         // IDs, of which the index is the number of the version; "" was deleted
	Linked      []int64           `json:"linked,omitempty"` // when the versions of a portfolio were linked
	Aliases     map[string]string `json:"aliases"`          // IDs, by alias
	Tags        []string          `json:"tags,omitempty"`

	// Parts are the IDs of what processes have uploaded of versions that they make
	// together, by the name that they have for it.
	Parts map[string][]string `json:"parts,omitempty"`

	kept kept
}

func collectionKey(entity, project, name string) string {
	return projectKey(cmp.Or(entity, defaultEntity), cmp.Or(project, defaultProject)) + url.PathEscape(name)
}

func (c *collection) key() string { return collectionKey(c.Entity, c.Project, c.Name) }

// id is what the collection is called whatever its name is.
func (c *collection) id() string { return cmp.Or(c.ID, c.key()) }

// latest returns the ID of the newest version that is there.
func (c *collection) latest() string {
	for i := len(c.Versions) - 1; i >= 0; i-- {
		if c.Versions[i] != "" {
			return c.Versions[i]
		}
	}
	return ""
}

// find returns the ID that an alias or a version means.
func (c *collection) find(alias string) (id string, ok bool) {
	if id, ok = c.Aliases[alias]; ok {
		return id, true
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(alias, "v")); err == nil && strings.HasPrefix(alias, "v") && n >= 0 && n < len(c.Versions) && c.Versions[n] != "" {
		return c.Versions[n], true
	}
	if alias == "" || alias == "latest" {
		id = c.latest()
		return id, id != ""
	}
	return "", false
}

// version returns the number that a version has in the collection; -1 if it is not
// there.
func (c *collection) version(id string) int { return slices.Index(c.Versions, id) }

// aliasesOf returns the aliases that a version has here, sorted.
func (c *collection) aliasesOf(id string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(c.Aliases)), func(alias string) bool { return c.Aliases[alias] != id })
}

// remove takes a version out, and its aliases.
func (c *collection) remove(id string) {
	maps.DeleteFunc(c.Aliases, func(_, named string) bool { return named == id })
	if i := c.version(id); i >= 0 {
		c.Versions[i] = ""
	}
}

// lockCollection keeps others from changing a collection, or one that is to be.
func (s *Server) lockCollection(entity, project, name string) (release func()) {
	return s.locks.Lock(collectionKind + collectionKey(entity, project, name))
}

// loadCollection is NotFound if there is none of the name.
func (s *Server) loadCollection(ctx context.Context, entity, project, name string) (*collection, error) {
	c := &collection{Entity: cmp.Or(entity, defaultEntity), Project: cmp.Or(project, defaultProject), Name: name}
	return c, s.readCollection(ctx, c.key(), c)
}

func (s *Server) readCollection(ctx context.Context, key string, c *collection) error {
	err := s.load(ctx, collectionKind, key, c, &c.kept)
	if c.Aliases == nil {
		c.Aliases = map[string]string{}
	}
	return err
}

func (s *Server) saveCollection(ctx context.Context, c *collection) error {
	return s.save(ctx, collectionKind, c.key(), c, &c.kept)
}

// ensureCollection returns a collection for versions of a type, which is made if it is
// not there.
func (c *call) ensureCollection(entity, project, name, kind string, portfolio bool) (*collection, error) {
	col, err := c.loadCollection(c.ctx, entity, project, name)
	if track.CodeOf(err) == track.NotFound {
		col.ID, col.Type, col.Portfolio, col.Created = newID(), kind, portfolio, now()
		if err := c.store.PutRecords(c.ctx, collectionIDKind, track.Record{Key: col.ID, Value: col.key()}); err != nil {
			return nil, err
		}
		if err = c.noteProject(col.Entity, col.Project); err == nil {
			err = c.saveCollection(c.ctx, col)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case col.Portfolio && !portfolio:
		return nil, track.Errorf(track.InvalidParameter, "%s is a collection that versions are linked to: log them under another name", name)
	case !col.Portfolio && portfolio:
		return nil, track.Errorf(track.InvalidParameter, "%s is an artifact that runs log: link to a collection of another name", name)
	case kind != "" && col.Type != kind:
		return nil, track.Errorf(track.InvalidParameter, "artifact %s is of the type %q, and cannot have a version of the type %q", name, col.Type, kind)
	}
	return col, nil
}

// collectionOf reads a collection by the ID that clients have.
func (s *Server) collectionOf(ctx context.Context, id string) (*collection, error) {
	b, err := base64.StdEncoding.DecodeString(id)
	kind, own, _ := strings.Cut(string(b), ":")
	if err != nil || kind != sequenceType && kind != portfolioType {
		return nil, track.Errorf(track.InvalidParameter, "%q is no ID of a collection", id)
	}
	return s.collectionByID(ctx, own)
}

func (s *Server) collectionByID(ctx context.Context, id string) (*collection, error) {
	key, err := s.store.Record(ctx, collectionIDKind, id)
	if track.CodeOf(err) == track.NotFound {
		key, err = id, nil // it was made before collections had IDs of their own
	}
	if err != nil {
		return nil, err
	}
	c := new(collection)
	return c, s.readCollection(ctx, key, c)
}

// The types of collections, as W&B names them.
const (
	sequenceType  = "ArtifactSequence"
	portfolioType = "ArtifactPortfolio"
)

func (c *collection) typeName() string {
	if c.Portfolio {
		return portfolioType
	}
	return sequenceType
}

func collectionID(c *collection) string {
	return base64.StdEncoding.EncodeToString([]byte(c.typeName() + ":" + c.id()))
}
