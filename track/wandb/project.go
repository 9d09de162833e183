package wandb

import (
	"cmp"
	"encoding/base64"
	"hash/fnv"
	"net/url"
	"slices"
	"strings"

	"github.com/xtrepro/xt/track"
)

// projectThere describes a project if there is one: an experiment has its name, or a
// client made it, or it has collections only.
func (c *call) projectThere(entity, name string) (object, error) {
	n := newRunName(entity, name, "")
	_, err := c.store.ExperimentByName(c.ctx, n.Project)
	if track.CodeOf(err) == track.NotFound {
		_, err = c.store.Record(c.ctx, projectKind, projectKey(n.Entity, n.Project))
	}
	if track.CodeOf(err) == track.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.project(n.Entity, n.Project), nil
}

// noteProject remembers a project that may have no runs.
func (c *call) noteProject(entity, project string) error {
	n := newRunName(entity, project, "")
	return c.store.PutRecords(c.ctx, projectKind, track.Record{Key: projectKey(n.Entity, n.Project), Value: "{}"})
}

// project describes a project, which need not be there yet.
func (c *call) project(entity, name string) object {
	n := newRunName(entity, name, "")
	o := object{
		"__typename": "Project", "id": base64.StdEncoding.EncodeToString([]byte("Project:v1:" + n.Project + ":" + n.Entity)),
		"internalId": base64.StdEncoding.EncodeToString([]byte("ProjectInternalId:" + projectNumber(n))),
		"name":       n.Project, "entityName": n.Entity, "entity": entityObject(n.Entity), "createdAt": stamp(1), "isBenchmark": false, "readOnly": false,
		"user": c.viewer(), "description": nil, "access": "USER_READ", "views": nil, "totalSweeps": 0,
		"artifact": resolver(func(a args) (any, error) {
			d, _, err := c.byName(c.ctx, n.Entity, n.Project, a.text("name"))
			return orNull(c.artifactObject(d), err)
		}),
		"artifactCollectionMembership": resolver(func(a args) (any, error) {
			d, col, err := c.byName(c.ctx, n.Entity, n.Project, a.text("name"))
			return orNull(c.membership(d, col), err)
		}),
		"artifactCollection": resolver(func(a args) (any, error) {
			col, err := c.loadCollection(c.ctx, n.Entity, n.Project, a.text("name"))
			return orNull(c.collectionObject(col), err)
		}),
		"artifactCollections": resolver(func(a args) (any, error) { return c.collections(n, "", a) }),
		"artifactType":        resolver(func(a args) (any, error) { return c.artifactType(n, a.text("name")) }),
		"artifactTypes":       resolver(func(a args) (any, error) { return c.artifactTypes(n, a) }),
		"runCount":            resolver(func(a args) (any, error) { rs, err := c.search(n, a); return len(rs), err }),
		"runs":                resolver(func(a args) (any, error) { return c.runs(n, a) }),
		"sweep":               nil,
		"sweeps":              object{"edges": []object{}, "totalCount": 0, "pageInfo": object{"__typename": "PageInfo", "hasNextPage": false, "endCursor": nil}},
	}
	one := func(a args) (any, error) {
		r, err := c.loadRun(c.ctx, runName{n.Entity, n.Project, a.text("name")})
		if err != nil {
			return orNull(nil, err)
		}
		return c.runObject(r), nil
	}
	o["run"] = resolver(one)
	// The way older clients look at a run, which need not be there for some of them.
	o["bucket"] = resolver(func(a args) (any, error) {
		r, err := one(a)
		if r == nil && err == nil && !a.flag("missingOk") && a.text("name") != "" {
			return nil, nil
		}
		return r, err
	})
	return o
}

// projectNumber is a number for a project: clients want one. It is short enough for
// any of them.
func projectNumber(n runName) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(projectKey(n.Entity, n.Project)))
	return uintText(h.Sum32() >> 1)
}

// projects lists the projects of an entity.
func (c *call) projects(a args) (any, error) {
	entity := cmp.Or(a.text("entityName"), a.text("entity"), defaultEntity)
	var names []string
	for _, kind := range []string{runKind, projectKind} {
		records, err := c.store.Records(c.ctx, kind, url.PathEscape(entity)+"/")
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			words := strings.Split(r.Key, "/")
			if name, err := url.PathUnescape(words[1]); err == nil && len(words) == 3 {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	var list []object
	for _, name := range slices.Compact(names) {
		list = append(list, c.project(entity, name))
	}
	return page(a, list), nil
}

func (c *call) upsertProject(a args) (any, error) {
	in := a.input()
	n := newRunName(in.text("entityName"), in.text("name"), "")
	there, err := c.projectThere(n.Entity, n.Project)
	if err != nil {
		return nil, err
	}
	if there == nil {
		if _, err := track.EnsureExperiment(c.ctx, c.store, n.Project); err != nil {
			return nil, err
		}
	}
	return object{"inserted": there == nil, "project": c.project(n.Entity, n.Project), "model": c.project(n.Entity, n.Project)}, c.noteProject(n.Entity, n.Project)
}
