package wandb

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/xtrepro/xt/track"
)

// useArtifact notes that a run used a version.
func (c *call) useArtifact(a args) (any, error) {
	in := a.input()
	d, err := c.loadArtifact(c.ctx, in.text("artifactID"))
	if err != nil {
		return nil, err
	}
	n := newRunName(in.text("entityName"), in.text("projectName"), in.text("runName"))
	if err := c.note(n, d); err != nil {
		return nil, err
	}
	return object{"artifact": c.artifactObject(d)}, nil
}

func (c *call) note(n runName, d *artifact) error {
	if !slices.Contains(d.UsedBy, n.Run) {
		d.UsedBy = append(d.UsedBy, n.Run)
		if err := c.saveArtifact(c.ctx, d); err != nil {
			return err
		}
	}
	defer c.locks.Lock(n.key())()
	r, err := c.loadRun(c.ctx, n)
	if err != nil || slices.Contains(r.Used, d.ID) {
		return err
	}
	r.Used = append(r.Used, d.ID)
	if err := c.saveRun(c.ctx, r); err != nil {
		return err
	}
	in := track.DatasetInput{Dataset: track.Dataset{Name: d.Collection, Digest: track.Clip(d.Digest, 36), SourceType: "wandb", Source: fmt.Sprintf("wandb-artifact:///%s/%s/%s:v%d", d.Entity, d.Project, d.Collection, d.Version)}}
	return c.store.LogInputs(c.ctx, r.ID, []track.DatasetInput{in}, nil)
}

// updateArtifact changes what is said of a version.
func (c *call) updateArtifact(a args) (any, error) {
	in := a.input()
	d, err := c.loadArtifact(c.ctx, in.text("artifactID"))
	if err != nil {
		return nil, err
	}
	for to, name := range map[**string]string{&d.Description: "description", &d.Metadata: "metadata"} {
		if text, ok := in[name].(string); ok {
			*to = &text
		}
	}
	add, remove := tagsOf(args{"tags": in["tagsToAdd"]}), tagsOf(args{"tags": in["tagsToDelete"]})
	d.Tags = slices.DeleteFunc(d.Tags, func(t string) bool { return slices.Contains(remove, t) || slices.Contains(add, t) })
	d.Tags = append(d.Tags, add...)
	d.Updated = now()
	if in["aliases"] != nil { // older clients say it as null
		err := c.changeCollection(d.sequence(), func(col *collection) error {
			maps.DeleteFunc(col.Aliases, func(_, id string) bool { return id == d.ID })
			for _, alias := range aliasesOf(in) {
				col.Aliases[alias] = d.ID
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if err := c.saveArtifact(c.ctx, d); err != nil {
		return nil, err
	}
	return object{"artifact": c.artifactObject(d)}, nil
}

// changeCollection changes a collection as it is by now.
func (c *call) changeCollection(col *collection, change func(*collection) error) error {
	defer c.lockCollection(col.Entity, col.Project, col.Name)()
	fresh, err := c.loadCollection(c.ctx, col.Entity, col.Project, col.Name)
	if err == nil {
		err = change(fresh)
	}
	if err != nil {
		return err
	}
	return c.saveCollection(c.ctx, fresh)
}

func (c *call) addAliases(a args) (any, error) {
	return c.changeAliases(a.input(), func(col *collection, id, alias string) { col.Aliases[alias] = id })
}

func (c *call) deleteAliases(a args) (any, error) {
	return c.changeAliases(a.input(), func(col *collection, id, alias string) {
		if col.Aliases[alias] == id {
			delete(col.Aliases, alias)
		}
	})
}

// changeAliases changes aliases of a version in the collections that they are for: it
// may be linked to several.
func (c *call) changeAliases(in args, change func(col *collection, id, alias string)) (any, error) {
	d, err := c.loadArtifact(c.ctx, in.text("artifactID"))
	if err != nil {
		return nil, err
	}
	list, _ := in["aliases"].([]any)
	for _, v := range list {
		m, _ := v.(map[string]any)
		alias := args(m)
		col := d.sequence()
		if name := alias.text("artifactCollectionName"); name != "" {
			col = &collection{Entity: cmp.Or(alias.text("entityName"), d.Entity), Project: cmp.Or(alias.text("projectName"), d.Project), Name: name}
		}
		err := c.changeCollection(col, func(col *collection) error {
			if col.version(d.ID) < 0 {
				return track.Errorf(track.InvalidParameter, "%s:v%d is not in the collection %s", d.Collection, d.Version, col.Name)
			}
			change(col, d.ID, alias.text("alias"))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return object{"success": true}, nil
}

// deleteArtifact takes a version out of its collections. Files may belong to others
// too, and stay.
func (c *call) deleteArtifact(a args) (any, error) {
	in := a.input()
	d, err := c.loadArtifact(c.ctx, in.text("artifactID"))
	if err != nil {
		return nil, err
	}
	all, err := c.collectionsOf(d)
	if err != nil {
		return nil, err
	}
	if !in.flag("deleteAliases") && slices.ContainsFunc(all, func(col *collection) bool { return len(col.aliasesOf(d.ID)) > 0 }) {
		return nil, track.Errorf(track.InvalidState, "artifact %s:v%d has aliases: delete them too", d.Collection, d.Version)
	}
	err = c.drop(d, all)
	return object{"artifact": c.artifactObject(d)}, err
}

// drop deletes a version that is in some collections.
func (c *call) drop(d *artifact, all []*collection) error {
	for _, col := range all {
		if err := c.changeCollection(col, func(col *collection) error { col.remove(d.ID); return nil }); err != nil {
			return err
		}
	}
	d.State, d.Links = deleted, nil
	return c.saveArtifact(c.ctx, d)
}

// deleteVersion deletes a version with its aliases, unless that was done.
func (c *call) deleteVersion(id string) error {
	d, err := c.loadArtifact(c.ctx, artifactID(id))
	if err != nil || d.State == deleted {
		return err
	}
	all, err := c.collectionsOf(d)
	if err != nil && track.CodeOf(err) != track.NotFound {
		return err
	}
	return c.drop(d, all)
}
