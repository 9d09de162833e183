package wandb

import (
	"cmp"
	"slices"

	"github.com/xtrepro/xt/track"
)

// maxTags is how many tags a collection may have.
const maxTags = 1000

// collectionIn returns the collection that a mutation names by its ID.
func (c *call) collectionIn(in args) (*collection, error) {
	return c.collectionOf(c.ctx, cmp.Or(in.text("artifactSequenceID"), in.text("artifactPortfolioID")))
}

// updateCollection changes the name of a collection and what is said of it.
func (c *call) updateCollection(a args) (any, error) {
	in := a.input()
	col, err := c.collectionIn(in)
	if err != nil {
		return nil, err
	}
	if name := in.text("name"); name != "" && name != col.Name {
		if col, err = c.rename(col, name); err != nil {
			return nil, err
		}
	}
	return c.collectionAnswer(col, func(col *collection) error {
		if text, ok := in["description"].(string); ok {
			col.Description = text
		}
		return nil
	})
}

// collectionAnswer changes a collection, and answers with it.
func (c *call) collectionAnswer(col *collection, change func(*collection) error) (any, error) {
	err := c.changeCollection(col, func(fresh *collection) error {
		fresh.Updated = now()
		col = fresh
		return change(fresh)
	})
	return object{"artifactCollection": c.collectionObject(col)}, err
}

// rename gives a collection another name. Whatever is interrupted here can be done
// again: the ID leads to the old name until all is there under the new one.
func (c *call) rename(old *collection, name string) (*collection, error) {
	defer c.lockCollection(old.Entity, old.Project, min(old.Name, name))()
	defer c.lockCollection(old.Entity, old.Project, max(old.Name, name))()
	there, err := c.loadCollection(c.ctx, old.Entity, old.Project, name)
	if err == nil && there.id() != old.id() {
		return nil, track.Errorf(track.AlreadyExists, "there is a collection %s already", name)
	}
	if err != nil && track.CodeOf(err) != track.NotFound {
		return nil, err
	}
	fresh, err := c.loadCollection(c.ctx, old.Entity, old.Project, old.Name)
	if err != nil {
		return nil, err
	}
	oldKey := fresh.key()
	fresh.ID, fresh.Name, fresh.kept = fresh.id(), name, there.kept
	if err := c.saveCollection(c.ctx, fresh); err != nil {
		return nil, err
	}
	err = c.eachVersion(fresh, func(d *artifact) { d.Collection = name })
	if err == nil {
		err = c.store.PutRecords(c.ctx, collectionIDKind, track.Record{Key: fresh.ID, Value: fresh.key()})
	}
	if err == nil {
		err = c.store.DeleteRecord(c.ctx, collectionKind, oldKey)
	}
	return fresh, err
}

// eachVersion changes the versions of a sequence: those of a portfolio belong to
// others.
func (c *call) eachVersion(col *collection, change func(*artifact)) error {
	if col.Portfolio {
		return nil
	}
	for _, id := range col.Versions {
		if id == "" {
			continue
		}
		d, err := c.loadArtifact(c.ctx, artifactID(id))
		if err != nil {
			return err
		}
		change(d)
		if err := c.saveArtifact(c.ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// moveCollection gives a sequence and its versions another type.
func (c *call) moveCollection(a args) (any, error) {
	in := a.input()
	col, err := c.collectionIn(in)
	if err != nil {
		return nil, err
	}
	kind := in.text("destinationArtifactTypeName")
	if kind == "" || col.Portfolio {
		return nil, track.Errorf(track.InvalidParameter, "collection %s cannot have the type %q", col.Name, kind)
	}
	return c.collectionAnswer(col, func(col *collection) error {
		col.Type = kind
		return c.eachVersion(col, func(d *artifact) { d.Type = kind })
	})
}

// deleteCollection deletes a sequence with its versions, or a portfolio with its
// links.
func (c *call) deleteCollection(a args) (any, error) {
	col, err := c.collectionIn(a.input())
	if err != nil {
		return nil, err
	}
	defer c.lockCollection(col.Entity, col.Project, col.Name)()
	links := map[string][]string{} // versions, by the portfolio that they are in
	err = c.eachVersion(col, func(d *artifact) {
		for _, id := range d.Links {
			links[id] = append(links[id], d.ID)
		}
		d.State, d.Links = deleted, nil
	})
	if err != nil {
		return nil, err
	}
	for id, versions := range links {
		if err := c.dropLinks(id, versions); err != nil {
			return nil, err
		}
	}
	if err := c.store.DeleteRecord(c.ctx, collectionKind, col.key()); err != nil {
		return nil, err
	}
	o := c.collectionObject(col)
	o["state"] = deleted
	return object{"artifactCollection": o}, c.store.DeleteRecord(c.ctx, collectionIDKind, col.id())
}

func (c *call) dropLinks(portfolio string, versions []string) error {
	col, err := c.collectionByID(c.ctx, portfolio)
	if track.CodeOf(err) == track.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return c.changeCollection(col, func(col *collection) error {
		for _, id := range versions {
			col.remove(id)
		}
		return nil
	})
}

func (c *call) addCollectionTags(a args) (any, error) {
	return c.changeTags(a.input(), func(tags, named []string) []string {
		for _, name := range named {
			if !slices.Contains(tags, name) {
				tags = append(tags, name)
			}
		}
		return tags
	})
}

func (c *call) deleteCollectionTags(a args) (any, error) {
	return c.changeTags(a.input(), func(tags, named []string) []string {
		return slices.DeleteFunc(tags, func(name string) bool { return slices.Contains(named, name) })
	})
}

func (c *call) changeTags(in args, change func(tags, named []string) []string) (any, error) {
	col := &collection{Entity: in.text("entityName"), Project: in.text("projectName"), Name: in.text("artifactCollectionName")}
	err := c.changeCollection(col, func(fresh *collection) error {
		fresh.Tags, fresh.Updated = change(fresh.Tags, tagsOf(in)), now()
		if col = fresh; len(col.Tags) > maxTags {
			return track.Errorf(track.InvalidParameter, "a collection has %d tags at most", maxTags)
		}
		return nil
	})
	return object{"success": err == nil, "tags": tagObjects(col.Tags)}, err
}
