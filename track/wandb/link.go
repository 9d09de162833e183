package wandb

import (
	"slices"

	"github.com/xtrepro/xt/track"
)

// linkArtifact puts a version into a portfolio, too. In a registry, which is a project
// whose name begins with wandb-registry-, it is the same.
func (c *call) linkArtifact(a args) (any, error) {
	in := a.input()
	d, err := c.artifactOfClient(in.text("artifactID"), in.text("clientID"))
	if err != nil {
		return nil, err
	}
	entity, project, name := in.text("entityName"), in.text("projectName"), in.text("artifactPortfolioName")
	if id := in.text("artifactPortfolioID"); id != "" {
		col, err := c.collectionOf(c.ctx, id)
		if err != nil {
			return nil, err
		}
		entity, project, name = col.Entity, col.Project, col.Name
	}
	if name == "" {
		return nil, track.Errorf(track.InvalidParameter, "a link needs the name of a collection")
	}
	defer c.lockCollection(entity, project, name)()
	col, err := c.ensureCollection(entity, project, name, d.Type, true)
	if err != nil {
		return nil, err
	}
	version := col.version(d.ID)
	if version < 0 {
		version = len(col.Versions)
		col.Versions, col.Linked = append(col.Versions, d.ID), append(col.Linked, now())
	}
	for _, alias := range append(aliasesOf(in), "latest") {
		col.Aliases[alias] = d.ID
	}
	if err := c.saveCollection(c.ctx, col); err != nil {
		return nil, err
	}
	if !slices.Contains(d.Links, col.id()) {
		d.Links = append(d.Links, col.id())
	}
	return object{"versionIndex": version, "artifactMembership": c.membership(d, col)}, c.saveArtifact(c.ctx, d)
}

// unlinkArtifact takes a version out of a portfolio. It stays in its sequence.
func (c *call) unlinkArtifact(a args) (any, error) {
	in := a.input()
	d, err := c.loadArtifact(c.ctx, in.text("artifactID"))
	if err != nil {
		return nil, err
	}
	col, err := c.collectionOf(c.ctx, in.text("artifactPortfolioID"))
	if err != nil {
		return nil, err
	}
	return object{"success": true}, c.unlink(d, col)
}

func (c *call) unlink(d *artifact, col *collection) error {
	if !col.Portfolio || col.version(d.ID) < 0 {
		return track.Errorf(track.InvalidParameter, "%s:v%d is not linked to %s", d.Collection, d.Version, col.Name)
	}
	if err := c.changeCollection(col, func(col *collection) error { col.remove(d.ID); return nil }); err != nil {
		return err
	}
	d.Links = slices.DeleteFunc(d.Links, func(id string) bool { return id == col.id() })
	return c.saveArtifact(c.ctx, d)
}

// collectionsOf returns the sequence of a version, and the portfolios that it is in.
func (c *call) collectionsOf(d *artifact) ([]*collection, error) {
	col, err := c.loadCollection(c.ctx, d.Entity, d.Project, d.Collection)
	if err != nil {
		return nil, err
	}
	all := []*collection{col}
	for _, id := range d.Links {
		col, err := c.collectionByID(c.ctx, id)
		if track.CodeOf(err) == track.NotFound {
			continue // it was deleted
		}
		if err != nil {
			return nil, err
		}
		all = append(all, col)
	}
	return all, nil
}
