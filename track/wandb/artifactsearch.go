package wandb

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/xtrepro/xt/track"
)

// member is a version in one of its collections.
type member struct {
	d  *artifact
	in *collection
}

// value implements fields.
func (m member) value(key string) any {
	if rest, ok := strings.CutPrefix(key, "metadata."); ok {
		var metadata map[string]any
		if m.d.Metadata == nil || json.Unmarshal([]byte(*m.d.Metadata), &metadata) != nil {
			return nil
		}
		v, _ := lookup(metadata, rest)
		return v
	}
	switch key {
	case "state":
		return m.d.State
	case "name":
		return fmt.Sprintf("%s:v%d", m.in.Name, m.in.version(m.d.ID))
	case "versionIndex", "version_index", "version":
		return float64(m.in.version(m.d.ID))
	case "digest":
		return m.d.Digest
	case "description":
		return deref(m.d.Description)
	case "tags", "tag":
		return values(m.d.Tags)
	case "aliases", "alias":
		return values(m.in.aliasesOf(m.d.ID))
	case "size":
		return float64(m.d.Size)
	case "fileCount", "file_count":
		return float64(m.d.Files)
	case "createdAt", "created_at":
		return time.UnixMilli(m.d.Created)
	case "updatedAt", "updated_at":
		return time.UnixMilli(m.d.Updated)
	}
	return nil
}

// value implements fields.
func (c *collection) value(key string) any {
	switch key {
	case "name":
		return c.Name
	case "type":
		return c.Type
	case "description":
		return c.Description
	case "tags", "tag":
		return values(c.Tags)
	case "createdAt", "created_at":
		return time.UnixMilli(c.Created)
	case "updatedAt", "updated_at":
		return time.UnixMilli(cmp.Or(c.Updated, c.Created))
	}
	return nil
}

// values is a list as filters look at one.
func values(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func deref(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

// versions lists the versions of a collection that a filter finds, the newest first
// where no order is asked for.
func (c *call) versions(col *collection, a args) (any, error) {
	filter, err := parseFilter(a.text("filters"))
	if err != nil {
		return nil, err
	}
	var found []member
	for i := len(col.Versions) - 1; i >= 0; i-- {
		if col.Versions[i] == "" {
			continue
		}
		d, err := c.loadArtifact(c.ctx, artifactID(col.Versions[i]))
		if track.CodeOf(err) == track.NotFound || err == nil && d.State == deleted {
			continue
		}
		if err != nil {
			return nil, err
		}
		if m := (member{d, col}); filter.matches(m) {
			found = append(found, m)
		}
	}
	inOrder(found, a.text("order"))
	var list []object
	for _, m := range found {
		o := c.artifactObject(m.d)
		o["version"] = fmt.Sprintf("v%d", col.version(m.d.ID))
		list = append(list, o)
	}
	return page(a, list), nil
}

// collections lists the collections of a project that a filter finds, of one type if
// it is named.
func (c *call) collections(n runName, kind string, a args) (any, error) {
	filter, err := parseFilter(a.text("filters"))
	if err != nil {
		return nil, err
	}
	all, err := c.allCollections(n, kind)
	if err != nil {
		return nil, err
	}
	inOrder(all, a.text("order"))
	var list []object
	for _, col := range all {
		if filter.matches(col) {
			list = append(list, c.collectionObject(col))
		}
	}
	return page(a, list), nil
}
