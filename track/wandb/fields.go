package wandb

import (
	"encoding/base64"
	"strings"

	"github.com/xtrepro/xt/track"
)

// queries is what can be asked.
func (c *call) queries() object {
	return object{
		"viewer":       resolver(func(args) (any, error) { return c.viewer(), nil }),
		"serverInfo":   resolver(func(args) (any, error) { return serverInfo(), nil }),
		"entity":       resolver(func(a args) (any, error) { return entityObject(a.text("name")), nil }),
		"organization": resolver(func(a args) (any, error) { return organization(a.text("name")), nil }),
		"users":        resolver(func(a args) (any, error) { return c.users(a), nil }),
		"project":      resolver(func(a args) (any, error) { return c.projectThere(a.text("entityName"), a.text("name")) }),
		"model":        resolver(func(a args) (any, error) { return c.projectThere(a.text("entityName"), a.text("name")) }),
		"models":       resolver(func(a args) (any, error) { return c.projects(a) }),
		"projects":     resolver(func(a args) (any, error) { return c.projects(a) }),
		"artifact": resolver(func(a args) (any, error) {
			d, err := c.loadArtifact(c.ctx, a.text("id"))
			return orNull(c.artifactObject(d), err)
		}),
		"clientIDMapping": resolver(func(a args) (any, error) {
			id, err := c.store.Record(c.ctx, clientKind, a.text("clientID"))
			return orNull(object{"serverID": id}, err)
		}),
		"artifactCollection": resolver(func(a args) (any, error) {
			col, err := c.collectionOf(c.ctx, a.text("id"))
			return orNull(c.collectionObject(col), err)
		}),
		"__type": resolver(func(a args) (any, error) { return typeObject(a.text("name")), nil }),
	}
}

// mutations is what can be changed.
func (c *call) mutations() object {
	return object{
		"upsertBucket":                           resolver(c.upsertBucket),
		"createRunFiles":                         resolver(c.createRunFiles),
		"upsertModel":                            resolver(c.upsertProject),
		"createArtifact":                         resolver(c.createArtifact),
		"createArtifactManifest":                 resolver(c.createManifest),
		"updateArtifactManifest":                 resolver(c.updateManifest),
		"createArtifactFiles":                    resolver(c.createArtifactFiles),
		"commitArtifact":                         resolver(c.commitArtifact),
		"useArtifact":                            resolver(c.useArtifact),
		"updateArtifact":                         resolver(c.updateArtifact),
		"addAliases":                             resolver(c.addAliases),
		"deleteAliases":                          resolver(c.deleteAliases),
		"deleteArtifact":                         resolver(c.deleteArtifact),
		"linkArtifact":                           resolver(c.linkArtifact),
		"unlinkArtifact":                         resolver(c.unlinkArtifact),
		"updateArtifactSequence":                 resolver(c.updateCollection),
		"updateArtifactPortfolio":                resolver(c.updateCollection),
		"moveArtifactSequence":                   resolver(c.moveCollection),
		"deleteArtifactSequence":                 resolver(c.deleteCollection),
		"deleteArtifactPortfolio":                resolver(c.deleteCollection),
		"createArtifactCollectionTagAssignments": resolver(c.addCollectionTags),
		"deleteArtifactCollectionTagAssignments": resolver(c.deleteCollectionTags),
		"stopRun":                                resolver(c.stopRun),
		"rewindRun":                              resolver(c.rewind),
		"deleteRun":                              resolver(c.deleteRun),
		"deleteFiles":                            resolver(c.deleteFiles),
		"notifyScriptableRunAlert":               resolver(c.alert),
	}
}

// orNull makes nothing of what is not found, as clients expect.
func orNull(o object, err error) (any, error) {
	if track.CodeOf(err) == track.NotFound {
		return nil, nil
	}
	return o, err
}

func (c *call) viewer() object {
	teams := object{"edges": []object{{"node": object{"__typename": "Entity", "id": "team", "name": defaultEntity}}}}
	return object{
		"__typename": "User", "id": base64.StdEncoding.EncodeToString([]byte("User:1")), "entity": defaultEntity, "username": defaultEntity, "name": defaultEntity,
		"email": "local@localhost", "flags": "{}", "admin": false, "deletedAt": nil, "capabilities": []string{}, "teams": teams,
		"apiKeys": object{"edges": []object{}}, "organizations": []object{}, "defaultEntity": object{"__typename": "Entity", "id": "entity", "name": defaultEntity},
	}
}

// users finds the only one that there is.
func (c *call) users(a args) object {
	who := c.viewer()
	query := a.text("query")
	if query != "" && query != who["username"] && query != who["email"] {
		return page(a, nil)
	}
	return page(a, []object{who})
}

func serverInfo() object {
	return object{
		"features":       featureObjects(),
		"cliVersionInfo": map[string]any{"max_cli_version": "99.0.0"},
		"latestLocalVersionInfo": object{
			"outOfDate": false, "latestVersionString": "0.99.0", "versionOnThisInstanceString": "0.99.0",
		},
	}
}

// features are what newer servers have, and clients ask for before they use it.
var features = []string{"ARTIFACT_COLLECTIONS_FILTERING_SORTING", "ARTIFACT_MEMBERSHIP_IN_LINK_ARTIFACT_RESPONSE", "TOTAL_COUNT_IN_FILE_CONNECTION"}

func featureObjects() []object {
	list := []object{}
	for _, name := range features {
		list = append(list, object{"__typename": "ServerFeature", "name": name, "isEnabled": true})
	}
	return list
}

// organization describes the one that all belong to; nil for others.
func organization(name string) object {
	if name != defaultEntity {
		return nil
	}
	return object{
		"__typename": "Organization", "id": base64.StdEncoding.EncodeToString([]byte("Organization:" + name)), "name": name, "coreWeaveOrganizationId": nil,
		"orgEntity": object{
			"__typename": "Entity", "id": base64.StdEncoding.EncodeToString([]byte("Entity:" + name)), "name": name, "entityType": "organization",
		},
	}
}

func entityObject(name string) object {
	if name == "" {
		name = defaultEntity
	}
	return object{
		"__typename": "Entity", "id": base64.StdEncoding.EncodeToString([]byte("Entity:" + name)), "name": name, "isTeam": false, "available": true,
		"entityType": "user", "photoUrl": nil, "readOnly": false, "readOnlyAdmin": false, "privateOnly": false, "storageBytes": 0, "codeSavingEnabled": true,
		"defaultAccess": "USER_READ", "isPaid": false, "members": []object{},
		"user":         nil,
		"organization": organization(defaultEntity),
	}
}

func (c *call) upsertBucket(a args) (any, error) {
	in := a.input()
	n := newRunName(in.text("entityName"), in.text("modelName"), in.text("name"))
	if id := in.text("id"); id != "" {
		var err error
		if n, err = runOfID(id); err != nil {
			return nil, err
		}
	}
	begins := in.text("host") != ""
	if begins && in.text("id") == "" && !c.shared {
		if err := c.startAgain(n, in.text("config")); err != nil {
			return nil, err
		}
	}
	var branch *branchPoint
	if begins {
		var err error
		if branch, err = c.branchOf(n, in.text("config")); err != nil {
			return nil, err
		}
	}
	changes := changesOf(in)
	changes.merge = c.shared
	r, inserted, err := c.upsert(c.ctx, n, changes)
	if err == nil && branch != nil {
		err = c.fork(r, branch)
	}
	if err != nil {
		return nil, err
	}
	return object{"bucket": c.runObject(r), "inserted": inserted}, nil
}

// stopRun has the client of a run end it: it is told so the next time that it comes.
func (c *call) stopRun(a args) (any, error) {
	n, err := runOfID(a.input().text("id"))
	if err != nil {
		return nil, err
	}
	defer c.locks.Lock(n.key())()
	r, err := c.loadRun(c.ctx, n)
	if err != nil {
		return nil, err
	}
	r.Stopped = r.State == running
	return object{"success": r.Stopped}, c.saveRun(c.ctx, r)
}

func (c *call) deleteRun(a args) (any, error) {
	in := a.input()
	n, err := runOfID(in.text("id"))
	if err != nil {
		return nil, err
	}
	r, err := c.loadRun(c.ctx, n)
	if track.CodeOf(err) == track.NotFound {
		return object{"clientMutationId": nil}, nil // clients may say it twice
	}
	if err != nil {
		return nil, err
	}
	if in.flag("deleteArtifacts") {
		for _, id := range r.Logged {
			if err := c.deleteVersion(id); err != nil {
				return nil, err
			}
		}
	}
	if err := c.store.DeleteRun(c.ctx, r.ID); err != nil {
		return nil, err
	}
	return object{"clientMutationId": nil}, c.store.DeleteRecord(c.ctx, runKind, n.key())
}

// deleteFiles deletes files of runs.
func (c *call) deleteFiles(a args) (any, error) {
	ids, _ := a.input().texts("files")
	for _, id := range ids {
		b, err := base64.StdEncoding.DecodeString(id)
		words := strings.SplitN(string(b), ":", 3)
		if err != nil || len(words) != 3 || words[0] != "File" {
			return nil, track.Errorf(track.InvalidParameter, "%q is no ID of a file", id)
		}
		n, err := runOfID(words[1])
		if err != nil {
			return nil, err
		}
		r, err := c.loadRun(c.ctx, n)
		if err != nil {
			return nil, err
		}
		p, err := c.filePath(c.ctx, r, words[2])
		if err == nil {
			err = c.store.DeleteArtifacts(c.ctx, p)
		}
		if err != nil {
			return nil, err
		}
	}
	return object{"success": true}, nil
}
