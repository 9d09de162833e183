package wandb

import (
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
		err := c.changeCollection(d, func(col *collection) {
			maps.DeleteFunc(col.Aliases, func(_, id string) bool { return id == d.ID })
			for _, alias := range aliasesOf(in) {
				col.Aliases[alias] = d.ID
			}
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

// changeCollection changes the collection of a version.
func (c *call) changeCollection(d *artifact, change func(*collection)) error {
	defer c.locks.Lock(collectionKind + projectKey(d.Entity, d.Project) + d.Collection)()
	col, err := c.loadCollection(c.ctx, d.Entity, d.Project, d.Collection)
	if err != nil {
		return err
	}
	change(col)
	return c.saveCollection(c.ctx, col)
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

func (c *call) changeAliases(in args, change func(col *collection, id, alias string)) (any, error) {
	d, err := c.loadArtifact(c.ctx, in.text("artifactID"))
	if err != nil {
		return nil, err
	}
	err = c.changeCollection(d, func(col *collection) {
		for _, alias := range aliasesOf(in) {
			change(col, d.ID, alias)
		}
	})
	return object{"success": err == nil}, err
}

// deleteArtifact takes a version out of its collection. Files may belong to others
// too, and stay.
func (c *call) deleteArtifact(a args) (any, error) {
	in := a.input()
	d, err := c.loadArtifact(c.ctx, in.text("artifactID"))
	if err != nil {
		return nil, err
	}
	err = c.changeCollection(d, func(col *collection) {
		if in.flag("deleteAliases") {
			maps.DeleteFunc(col.Aliases, func(_, id string) bool { return id == d.ID })
		}
		if i := slices.Index(col.Versions, d.ID); i >= 0 && !slices.Contains(slices.Collect(maps.Values(col.Aliases)), d.ID) {
			col.Versions[i] = ""
			d.State = deleted
		}
	})
	if err == nil && d.State != deleted {
		err = track.Errorf(track.InvalidState, "artifact %s:v%d has aliases: delete them too", d.Collection, d.Version)
	}
	if err != nil {
		return nil, err
	}
	return object{"artifact": c.artifactObject(d)}, c.saveArtifact(c.ctx, d)
}
