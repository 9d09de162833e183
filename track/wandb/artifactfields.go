package wandb

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/xtrepro/xt/track"
)

// artifactObject describes a version.
func (c *call) artifactObject(d *artifact) object {
	if d == nil || d.ID == "" {
		return nil
	}
	sequence := resolver(func(args) (any, error) {
		col, err := c.loadCollection(c.ctx, d.Entity, d.Project, d.Collection)
		return orNull(c.collectionObject(col), err)
	})
	o := object{
		"__typename": "Artifact", "id": artifactID(d.ID), "state": d.State, "digest": d.Digest, "description": d.Description, "metadata": d.Metadata, "versionIndex": d.Version,
		"version": fmt.Sprintf("v%d", d.Version), "artifactSequence": sequence,
		"artifactType": object{
			"__typename": "ArtifactType", "id": d.Type, "name": d.Type, "project": resolver(func(args) (any, error) { return c.project(d.Entity, d.Project), nil }),
		},
		"size": d.Size, "fileCount": d.Files, "createdAt": stamp(d.Created), "updatedAt": stamp(d.Updated), "commitHash": commitHash(d), "historyStep": d.Step,
		"ttlDurationSeconds": -2, "ttlIsInherited": true, "tags": tagObjects(d.Tags),
		"aliases": resolver(func(args) (any, error) {
			all, err := c.collectionsOf(d)
			if err != nil {
				return orNull(nil, err)
			}
			list := []object{}
			for _, col := range all {
				list = append(list, c.aliasObjects(col, d.ID)...)
			}
			return list, nil
		}),
		"artifactMemberships": resolver(func(a args) (any, error) {
			all, err := c.collectionsOf(d)
			var list []object
			for _, col := range all {
				list = append(list, c.membership(d, col))
			}
			return page(a, list), err
		}),
		"artifactCollections": resolver(func(a args) (any, error) {
			all, err := c.collectionsOf(d)
			var list []object
			for _, col := range all {
				list = append(list, c.collectionObject(col))
			}
			return page(a, list), err
		}),
		"currentManifest":       resolver(func(args) (any, error) { return c.manifestObject(d), nil }),
		"files":                 resolver(func(a args) (any, error) { return c.artifactFiles(d, a) }),
		"usedBy":                resolver(func(a args) (any, error) { return c.runsNamed(d, d.UsedBy) }),
		"createdBy":             resolver(func(args) (any, error) { return c.creator(d) }),
		"ttlDurationIsInternal": nil,
	}
	return o
}

func tagObjects(names []string) []object {
	list := []object{}
	for _, name := range names {
		list = append(list, object{"__typename": "Tag", "id": base64.StdEncoding.EncodeToString([]byte("Tag:" + name)), "name": name})
	}
	return list
}

// aliasObjects returns the aliases of a version, its number among them: it is from
// there that older clients have it.
func (c *call) aliasObjects(col *collection, id string) []object {
	list := []object{}
	names := col.aliasesOf(id)
	if i := col.version(id); i >= 0 {
		names = append(names, fmt.Sprintf("v%d", i))
	}
	for _, alias := range names {
		list = append(list, object{
			"__typename": "ArtifactAlias", "id": base64.StdEncoding.EncodeToString([]byte("Alias:" + col.key() + ":" + alias)), "alias": alias,
			"artifactCollectionName": col.Name, "artifactCollection": resolver(func(args) (any, error) { return c.collectionObject(col), nil }),
		})
	}
	return list
}

func (c *call) collectionObject(col *collection) object {
	if col == nil {
		return nil
	}
	return object{
		"__typename": col.typeName(), "id": collectionID(col), "name": col.Name, "state": "READY", "description": null(col.Description), "createdAt": stamp(col.Created),
		"updatedAt": stamp(col.Updated), "type": object{"__typename": "ArtifactType", "id": col.Type, "name": col.Type}, "project": resolver(func(args) (any, error) { return c.project(col.Entity, col.Project), nil }),
		"defaultArtifactType": object{"__typename": "ArtifactType", "id": col.Type, "name": col.Type}, "tags": page(args{"first": int64(maxTags)}, tagObjects(col.Tags)),
		"latestArtifact": resolver(func(args) (any, error) {
			if col.latest() == "" {
				return nil, nil
			}
			d, err := c.loadArtifact(c.ctx, artifactID(col.latest()))
			return orNull(c.artifactObject(d), err)
		}),
		"artifactMembership": resolver(func(a args) (any, error) {
			id, ok := col.find(a.text("aliasName"))
			if !ok {
				return nil, nil
			}
			d, err := c.loadArtifact(c.ctx, artifactID(id))
			return orNull(c.membership(d, col), err)
		}),
		"artifacts": resolver(func(a args) (any, error) { return c.versions(col, a) }),
		"aliases": resolver(func(a args) (any, error) {
			var list []object
			for _, alias := range slices.Sorted(maps.Keys(col.Aliases)) {
				list = append(list, object{"__typename": "ArtifactAlias", "id": alias, "alias": alias})
			}
			return page(a, list), nil
		}),
	}
}

// membership is a version as a member of its collection.
func (c *call) membership(d *artifact, col *collection) object {
	if d == nil || col == nil {
		return nil
	}
	version, since := col.version(d.ID), d.Created
	if version >= 0 && version < len(col.Linked) {
		since = col.Linked[version]
	}
	return object{
		"__typename": "ArtifactCollectionMembership", "id": base64.StdEncoding.EncodeToString([]byte("Membership:" + col.id() + ":" + d.ID)), "versionIndex": version,
		"createdAt": stamp(since), "aliases": c.aliasObjects(col, d.ID), "artifactCollection": c.collectionObject(col), "artifact": c.artifactObject(d),
		"files": resolver(func(a args) (any, error) { return c.artifactFiles(d, a) }),
	}
}

// artifactFiles lists the files of a version. Those that it refers to are among them:
// clients fetch what is listed, each from where it is.
func (c *call) artifactFiles(d *artifact, a args) (any, error) {
	m, err := c.readManifest(c.ctx, d.ID)
	if track.CodeOf(err) == track.NotFound {
		return page(a, nil), nil
	}
	if err != nil {
		return nil, err
	}
	wanted, some := a.texts("names")
	var list []object
	for _, name := range slices.Sorted(maps.Keys(m.Contents)) {
		if some && len(wanted) > 0 && !slices.Contains(wanted, name) {
			continue
		}
		o, err := c.entryObject(d, name, m.Contents[name])
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	return page(a, list), nil
}

func (c *call) entryObject(d *artifact, name string, e entry) (object, error) {
	o := object{
		"__typename": "File", "id": base64.StdEncoding.EncodeToString([]byte("File:" + d.ID + ":" + name)), "name": name, "displayName": name, "url": e.Ref, "directUrl": e.Ref,
		"sizeBytes": e.Size, "storagePath": nil, "mimetype": mimeOf(name), "updatedAt": stamp(d.Updated), "digest": e.Digest, "md5": nil,
	}
	if e.Ref != "" {
		return o, nil
	}
	p, err := blobOf(e.Digest)
	address := resolver(func(args) (any, error) { return c.address(http.MethodGet, p) })
	o["url"], o["directUrl"], o["storagePath"], o["md5"] = address, address, "wandb_artifacts/"+p.Base(), e.Digest
	return o, err
}

// artifactPage describes versions that are named by their IDs.
func (c *call) artifactPage(ids []string, a args) (any, error) {
	var list []object
	for _, id := range ids {
		if id == "" {
			continue
		}
		d, err := c.loadArtifact(c.ctx, artifactID(id))
		if track.CodeOf(err) == track.NotFound || err == nil && d.State == deleted {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, c.artifactObject(d))
	}
	return page(a, list), nil
}

func (c *call) runsNamed(d *artifact, names []string) (any, error) {
	edges := []object{}
	for _, name := range names {
		r, err := c.loadRun(c.ctx, newRunName(d.Entity, d.Project, name))
		if track.CodeOf(err) == track.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		edges = append(edges, object{"node": c.runObject(r)})
	}
	return object{"edges": edges}, nil
}

func (c *call) creator(d *artifact) (any, error) {
	if d.Run == "" {
		return nil, nil
	}
	r, err := c.loadRun(c.ctx, newRunName(d.Entity, d.Project, d.Run))
	if err != nil {
		return orNull(nil, err)
	}
	return c.runObject(r), nil
}

// allCollections returns the collections of a project, of one type if it is named.
func (c *call) allCollections(n runName, kind string) ([]*collection, error) {
	records, err := c.store.Records(c.ctx, collectionKind, projectKey(n.Entity, n.Project))
	if err != nil {
		return nil, err
	}
	var list []*collection
	for _, r := range records {
		col := new(collection)
		if err := c.readCollection(c.ctx, r.Key, col); err != nil {
			return nil, err
		}
		if kind == "" || col.Type == kind {
			list = append(list, col)
		}
	}
	return list, nil
}

// artifactType is null where the project has no collection of the type.
func (c *call) artifactType(n runName, name string) (object, error) {
	all, err := c.allCollections(n, name)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return c.artifactTypeObject(n, name), nil
}

func (c *call) artifactTypeObject(n runName, name string) object {
	return object{
		"__typename": "ArtifactType", "id": name, "name": name, "description": nil, "createdAt": stamp(1),
		"artifactCollections": resolver(func(a args) (any, error) { return c.collections(n, name, a) }),
		"artifactCollection": resolver(func(a args) (any, error) {
			col, err := c.loadCollection(c.ctx, n.Entity, n.Project, a.text("name"))
			if err == nil && col.Type != name {
				return nil, nil
			}
			return orNull(c.collectionObject(col), err)
		}),
	}
}

func (c *call) artifactTypes(n runName, a args) (any, error) {
	all, err := c.allCollections(n, "")
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, col := range all {
		names[col.Type] = true
	}
	var list []object
	for _, name := range slices.Sorted(maps.Keys(names)) {
		list = append(list, c.artifactTypeObject(n, name))
	}
	return page(a, list), nil
}
