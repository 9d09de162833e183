package wandb

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/xtrepro/xt/track"
)

// artifact is a version of W&B's artifacts. Times are milliseconds.
type artifact struct {
	ID          string   `json:"id"`
	Entity      string   `json:"entity"`
	Project     string   `json:"project"`
	Collection  string   `json:"collection"`
	Type        string   `json:"type"`
	Version     int      `json:"version"` // -1 until it is committed
	State       string   `json:"state"`
	Digest      string   `json:"digest"`
	Description *string  `json:"description,omitempty"`
	Metadata    *string  `json:"metadata,omitempty"` // JSON
	Tags        []string `json:"tags,omitempty"`
	Aliases     []string `json:"aliases,omitempty"` // to be set when it is committed
	Run         string   `json:"run,omitempty"`     // of W&B's, that made it
	Step        *int64   `json:"step,omitempty"`
	Created     int64    `json:"created"`
	Updated     int64    `json:"updated"`
	Size        int64    `json:"size"`
	Files       int      `json:"files"`
	Manifest    string   `json:"manifest,omitempty"` // FULL, PATCH or INCREMENTAL
	Base        string   `json:"base,omitempty"`     // what it is added to
	Shared      string   `json:"shared,omitempty"`   // what several processes that make it together call it
	UsedBy      []string `json:"used_by,omitempty"`
	Links       []string `json:"links,omitempty"` // IDs of the portfolios that it is in, too

	kept kept
}

// sequence names the collection that the version was logged to.
func (d *artifact) sequence() *collection {
	return &collection{Entity: d.Entity, Project: d.Project, Name: d.Collection}
}

// The states of an artifact.
const (
	pending   = "PENDING"
	committed = "COMMITTED"
	deleted   = "DELETED"
)

func artifactID(id string) string {
	return base64.StdEncoding.EncodeToString([]byte("Artifact:" + id))
}

// ofArtifactID reads what artifactID writes, or the digits alone, which addresses of
// tables have.
func ofArtifactID(id string) (string, error) {
	if b, err := base64.StdEncoding.DecodeString(id); err == nil {
		if rest, ok := strings.CutPrefix(string(b), "Artifact:"); ok {
			return rest, nil
		}
	}
	if b, err := hex.DecodeString(id); err == nil {
		if rest, ok := strings.CutPrefix(string(b), "Artifact:"); ok {
			return rest, nil
		}
	}
	return "", track.Errorf(track.InvalidParameter, "%q is no ID of an artifact", id)
}

// loadArtifact reads an artifact by the ID that clients have.
func (s *Server) loadArtifact(ctx context.Context, id string) (*artifact, error) {
	own, err := ofArtifactID(id)
	if err != nil {
		return nil, err
	}
	a := new(artifact)
	return a, s.load(ctx, artifactKind, own, a, &a.kept)
}

// artifactOfClient reads an artifact by the ID that clients have, or by the one that
// they have given it themselves.
func (c *call) artifactOfClient(id, clientID string) (*artifact, error) {
	if id == "" {
		var err error
		if id, err = c.store.Record(c.ctx, clientKind, clientID); err != nil {
			return nil, err
		}
	}
	return c.loadArtifact(c.ctx, id)
}

func (s *Server) saveArtifact(ctx context.Context, a *artifact) error {
	return s.save(ctx, artifactKind, a.ID, a, &a.kept)
}

// byName returns the artifact that "NAME:ALIAS" means.
func (s *Server) byName(ctx context.Context, entity, project, name string) (*artifact, *collection, error) {
	// A name may say whose it is.
	if words := strings.Split(name, "/"); len(words) > 1 {
		name, project = words[len(words)-1], words[len(words)-2]
		if len(words) > 2 {
			entity = words[len(words)-3]
		}
	}
	name, alias, _ := strings.Cut(name, ":")
	c, err := s.loadCollection(ctx, entity, project, name)
	if err != nil {
		return nil, nil, err
	}
	id, ok := c.find(alias)
	if !ok {
		return nil, nil, track.Errorf(track.NotFound, "artifact %s has no version %q", name, alias)
	}
	a, err := s.loadArtifact(ctx, artifactID(id))
	return a, c, err
}

// createArtifact begins a version, or answers with one that has the same content.
func (c *call) createArtifact(a args) (any, error) {
	in := a.input()
	names, _ := in.texts("artifactCollectionNames")
	name := in.text("artifactCollectionName")
	if name == "" && len(names) > 0 {
		name = names[0]
	}
	if name == "" {
		return nil, track.Errorf(track.InvalidParameter, "an artifact needs a name")
	}
	d := &artifact{
		ID: newID(), Entity: cmp.Or(in.text("entityName"), defaultEntity), Project: cmp.Or(in.text("projectName"), defaultProject), Collection: name,
		Type: in.text("artifactTypeName"), Version: -1, State: pending, Digest: in.text("digest"), Run: in.text("runName"), Created: now(), Updated: now(),
		Shared: in.text("distributedID"),
	}
	for to, name := range map[**string]string{&d.Description: "description", &d.Metadata: "metadata"} {
		if text, ok := in[name].(string); ok {
			*to = &text
		}
	}
	if step := in.int("historyStep", -1); step >= 0 {
		d.Step = &step
	}
	d.Aliases, d.Tags = aliasesOf(in), tagsOf(in)
	defer c.lockCollection(d.Entity, d.Project, name)()
	col, err := c.ensureCollection(d.Entity, d.Project, name, d.Type, false)
	if err != nil {
		return nil, err
	}
	if wanted, said := in["enableDigestDeduplication"].(bool); d.Digest != "" && d.Shared == "" && (wanted || !said) {
		same, err := c.sameContent(col, d)
		if err != nil {
			return nil, err
		}
		if same != nil {
			return object{"artifact": c.artifactObject(same)}, c.nameByClient(in, same, col)
		}
	}
	if err := c.saveArtifact(c.ctx, d); err != nil {
		return nil, err
	}
	if d.Shared != "" {
		if col.Parts == nil {
			col.Parts = map[string][]string{}
		}
		col.Parts[d.Shared] = append(col.Parts[d.Shared], d.ID)
		if err := c.saveCollection(c.ctx, col); err != nil {
			return nil, err
		}
	}
	return object{"artifact": c.artifactObject(d)}, c.nameByClient(in, d, col)
}

// sameContent returns the version of the collection that has the digest of a new
// one, with the new aliases, and as made by the run of the new one too; nil if there
// is none.
func (c *call) sameContent(col *collection, d *artifact) (*artifact, error) {
	for i := len(col.Versions) - 1; i >= 0; i-- {
		if col.Versions[i] == "" {
			continue
		}
		old, err := c.loadArtifact(c.ctx, artifactID(col.Versions[i]))
		if err != nil {
			return nil, err
		}
		if old.Digest != d.Digest || old.State != committed {
			continue
		}
		for _, alias := range d.Aliases {
			col.Aliases[alias] = old.ID
		}
		if err := c.saveCollection(c.ctx, col); err != nil {
			return nil, err
		}
		m, err := c.readManifest(c.ctx, old.ID)
		if err != nil {
			return nil, err
		}
		return old, c.logged(d.Run, old, m)
	}
	return nil, nil
}

// nameByClient remembers what a client calls an artifact.
func (c *call) nameByClient(in args, d *artifact, col *collection) error {
	var records []track.Record
	if id := in.text("clientID"); id != "" {
		records = append(records, track.Record{Key: id, Value: artifactID(d.ID)})
	}
	if id := in.text("sequenceClientID"); id != "" {
		records = append(records, track.Record{Key: id, Value: collectionID(col)})
	}
	if len(records) == 0 {
		return nil
	}
	return c.store.PutRecords(c.ctx, clientKind, records...)
}

func aliasesOf(in args) []string {
	var aliases []string
	list, _ := in["aliases"].([]any)
	for _, v := range list {
		if m, ok := v.(map[string]any); ok {
			if alias := args(m).text("alias"); alias != "" {
				aliases = append(aliases, alias)
			}
		}
	}
	return aliases
}

func tagsOf(in args) []string {
	var tags []string
	list, _ := in["tags"].([]any)
	for _, v := range list {
		switch v := v.(type) {
		case string:
			tags = append(tags, v)
		case map[string]any:
			if name := args(v).text("tagName"); name != "" {
				tags = append(tags, name)
			}
		}
	}
	return tags
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// createArtifactFiles answers with where files are to be uploaded; those that are
// there, of whatever artifact, are not.
func (c *call) createArtifactFiles(a args) (any, error) {
	list, _ := a.input()["artifactFiles"].([]any)
	var edges []object
	for _, v := range list {
		m, _ := v.(map[string]any)
		spec := args(m)
		p, err := blobOf(spec.text("md5"))
		if err != nil {
			return nil, err
		}
		node := object{
			"__typename": "File", "id": spec.text("name"), "name": spec.text("name"), "displayName": spec.text("name"), "storagePath": "wandb_artifacts/" + p.Base(),
			"uploadHeaders": []string{}, "uploadMultipartUrls": nil, "uploadUrl": nil, "artifact": object{"__typename": "Artifact", "id": spec.text("artifactID")},
		}
		switch _, err := c.store.Artifact(c.ctx, p); {
		case track.CodeOf(err) == track.NotFound:
			if node["uploadUrl"], err = c.address(http.MethodPut, p); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		}
		edges = append(edges, object{"node": node})
	}
	return object{"files": object{"edges": edges}}, nil
}

// commitHash is a short name of an artifact's content.
func commitHash(d *artifact) string {
	sum := sha256.Sum256([]byte(d.ID + d.Digest))
	return hex.EncodeToString(sum[:10])
}
