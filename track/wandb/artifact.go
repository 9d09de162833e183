package wandb

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
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
	UsedBy      []string `json:"used_by,omitempty"`

	kept kept
}

// The states of an artifact.
const (
	pending   = "PENDING"
	committed = "COMMITTED"
	deleted   = "DELETED"
)

// collection is the versions of an artifact under one name.
type collection struct {
	Entity      string            `json:"entity"`
	Project     string            `json:"project"`
	Name        string            `json:"name"`
	Type        string            `json:"type"`
	Description string            `json:"description,omitempty"`
	Created     int64             `json:"created"`
	Versions    []string          `json:"versions"` // IDs, of which the index is the number of the version; "" was deleted
	Aliases     map[string]string `json:"aliases"`  // IDs, by alias
	Tags        []string          `json:"tags,omitempty"`

	kept kept
}

func (c *collection) key() string {
	return projectKey(c.Entity, c.Project) + url.PathEscape(c.Name)
}

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

func (s *Server) saveArtifact(ctx context.Context, a *artifact) error {
	return s.save(ctx, artifactKind, a.ID, a, &a.kept)
}

// loadCollection is NotFound if there is none of the name.
func (s *Server) loadCollection(ctx context.Context, entity, project, name string) (*collection, error) {
	c := &collection{Entity: cmp.Or(entity, defaultEntity), Project: cmp.Or(project, defaultProject), Name: name}
	err := s.load(ctx, collectionKind, c.key(), c, &c.kept)
	if c.Aliases == nil {
		c.Aliases = map[string]string{}
	}
	return c, err
}

func (s *Server) saveCollection(ctx context.Context, c *collection) error {
	return s.save(ctx, collectionKind, c.key(), c, &c.kept)
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
	defer c.locks.Lock(collectionKind + projectKey(d.Entity, d.Project) + name)()
	col, err := c.loadCollection(c.ctx, d.Entity, d.Project, name)
	if track.CodeOf(err) == track.NotFound {
		col.Type, col.Created = d.Type, now()
		err = c.saveCollection(c.ctx, col)
	}
	if err != nil {
		return nil, err
	}
	if d.Type != "" && col.Type != d.Type {
		return nil, track.Errorf(track.InvalidParameter, "artifact %s is of the type %q, and cannot have a version of the type %q", name, col.Type, d.Type)
	}
	if wanted, said := in["enableDigestDeduplication"].(bool); d.Digest != "" && (wanted || !said) {
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
	return object{"artifact": c.artifactObject(d)}, c.nameByClient(in, d, col)
}

// sameContent returns the version of the collection that has the digest of a new
// one, with the new aliases; nil if there is none.
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
		return old, c.saveCollection(c.ctx, col)
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

func collectionID(c *collection) string {
	return base64.StdEncoding.EncodeToString([]byte("ArtifactSequence:" + c.key()))
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

// manifestPath is where the list of an artifact's files is kept.
func manifestPath(id string) (track.Path, error) {
	return track.ParsePath("wandb/manifests/" + id + ".json")
}

// createManifest answers with where the list of files is to be uploaded.
func (c *call) createManifest(a args) (any, error) {
	in := a.input()
	d, err := c.loadArtifact(c.ctx, in.text("artifactID"))
	if err != nil {
		return nil, err
	}
	d.Manifest = cmp.Or(in.text("type"), "FULL")
	if base := in.text("baseArtifactID"); base != "" {
		if d.Base, err = ofArtifactID(base); err != nil {
			return nil, err
		}
	}
	if d.Digest == "" {
		d.Digest = in.text("digest")
	}
	return c.manifestAnswer(d), c.saveArtifact(c.ctx, d)
}

// updateManifest is createManifest for a list that is to be replaced.
func (c *call) updateManifest(a args) (any, error) {
	in := a.input()
	id, err := ofManifestID(in.text("artifactManifestID"))
	if err != nil {
		return nil, err
	}
	d, err := c.loadArtifact(c.ctx, artifactID(id))
	if err != nil {
		return nil, err
	}
	if base := in.text("baseArtifactID"); base != "" {
		if d.Base, err = ofArtifactID(base); err != nil {
			return nil, err
		}
	}
	return c.manifestAnswer(d), c.saveArtifact(c.ctx, d)
}

func ofManifestID(id string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(id)
	rest, ok := strings.CutPrefix(string(b), "Manifest:")
	if err != nil || !ok {
		return "", track.Errorf(track.InvalidParameter, "%q is no ID of a manifest", id)
	}
	return rest, nil
}

func (c *call) manifestAnswer(d *artifact) object {
	return object{"artifactManifest": c.manifestObject(d)}
}

func (c *call) manifestObject(d *artifact) object {
	id := base64.StdEncoding.EncodeToString([]byte("Manifest:" + d.ID))
	address := func(method string) resolver {
		return func(args) (any, error) {
			p, err := manifestPath(d.ID)
			if err != nil {
				return nil, err
			}
			return c.address(method, p)
		}
	}
	return object{"__typename": "ArtifactManifest", "id": id, "digest": d.Digest, "file": object{
		"__typename": "File", "id": id, "name": "wandb_manifest.json", "displayName": "wandb_manifest.json", "uploadHeaders": []string{},
		"uploadUrl": address(http.MethodPut), "directUrl": address(http.MethodGet), "url": address(http.MethodGet),
	}}
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

// manifest is the list of an artifact's files, as clients write it.
type manifest struct {
	Version             int              `json:"version"`
	StoragePolicy       string           `json:"storagePolicy"`
	StoragePolicyConfig json.RawMessage  `json:"storagePolicyConfig,omitempty"`
	Contents            map[string]entry `json:"contents"`
}

// entry is a file of an artifact, or a reference to one that is elsewhere.
type entry struct {
	Digest string          `json:"digest"` // the MD5, in base64, of a file that is here
	Size   int64           `json:"size,omitempty"`
	Ref    string          `json:"ref,omitempty"`
	Birth  string          `json:"birthArtifactID,omitempty"`
	Extra  json.RawMessage `json:"extra,omitempty"`
}

// maxManifest is the largest list that is read, in bytes.
const maxManifest = 512 << 20

func (s *Server) readManifest(ctx context.Context, id string) (*manifest, error) {
	p, err := manifestPath(id)
	if err != nil {
		return nil, err
	}
	f, a, err := s.store.OpenArtifact(ctx, p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if a.Node.Size > maxManifest {
		return nil, track.Errorf(track.InvalidParameter, "a manifest of %d bytes is too large", a.Node.Size)
	}
	m := new(manifest)
	if err := json.NewDecoder(io.LimitReader(f, maxManifest)).Decode(m); err != nil {
		return nil, track.Errorf(track.InvalidParameter, "the manifest is no JSON: %v", err)
	}
	return m, nil
}

// commitArtifact makes a version of what was uploaded.
func (c *call) commitArtifact(a args) (any, error) {
	d, err := c.loadArtifact(c.ctx, a.input().text("artifactID"))
	if err != nil {
		return nil, err
	}
	defer c.locks.Lock(collectionKind + projectKey(d.Entity, d.Project) + d.Collection)()
	if d, err = c.loadArtifact(c.ctx, artifactID(d.ID)); err != nil || d.State == committed {
		return object{"artifact": c.artifactObject(d)}, err
	}
	m, err := c.settleManifest(d)
	if err != nil {
		return nil, err
	}
	d.Size, d.Files = 0, len(m.Contents)
	for name, e := range m.Contents {
		d.Size += e.Size
		if err := c.isThere(name, e); err != nil {
			return nil, err
		}
	}
	col, err := c.loadCollection(c.ctx, d.Entity, d.Project, d.Collection)
	if err != nil {
		return nil, err
	}
	// The collection first: a version that is committed must not be missing there. If
	// this is interrupted, the client comes again and finds its number.
	if d.Version = slices.Index(col.Versions, d.ID); d.Version < 0 {
		d.Version = len(col.Versions)
		col.Versions = append(col.Versions, d.ID)
	}
	for _, alias := range append(d.Aliases, "latest") {
		col.Aliases[alias] = d.ID
	}
	if err := c.saveCollection(c.ctx, col); err != nil {
		return nil, err
	}
	d.State, d.Updated = committed, now()
	if err := c.saveArtifact(c.ctx, d); err != nil {
		return nil, err
	}
	return object{"artifact": c.artifactObject(d)}, c.logged(d, m)
}

// settleManifest reads the list of files, and puts those of the version that it is
// added to into it.
func (c *call) settleManifest(d *artifact) (*manifest, error) {
	m, err := c.readManifest(c.ctx, d.ID)
	if err != nil || d.Base == "" || d.Manifest == "FULL" {
		return m, err
	}
	base, err := c.readManifest(c.ctx, d.Base)
	if err != nil {
		return nil, err
	}
	for name, e := range base.Contents {
		if _, ok := m.Contents[name]; !ok {
			m.Contents[name] = e
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	p, err := manifestPath(d.ID)
	if err != nil {
		return nil, err
	}
	_, err = c.store.PutArtifact(c.ctx, p, bytes.NewReader(b))
	return m, err
}

// isThere reports a file of a manifest that was not uploaded.
func (c *call) isThere(name string, e entry) error {
	if e.Ref != "" {
		return nil
	}
	p, err := blobOf(e.Digest)
	if err != nil {
		return err
	}
	if _, err := c.store.Artifact(c.ctx, p); track.CodeOf(err) == track.NotFound {
		return track.Errorf(track.InvalidState, "file %s of the artifact was not uploaded", name)
	} else if err != nil {
		return err
	}
	return nil
}

// linked is the folder, among the files of a run, of the artifacts that it made.
const linked = "artifacts/"

// maxLinked is up to how many files of an artifact are shown among those of its run.
const maxLinked = 1000

// logged makes an artifact part of the run that made it.
func (c *call) logged(d *artifact, m *manifest) error {
	if d.Run == "" {
		return nil
	}
	n := newRunName(d.Entity, d.Project, d.Run)
	defer c.locks.Lock(n.key())()
	r, err := c.loadRun(c.ctx, n)
	if track.CodeOf(err) == track.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if !slices.Contains(r.Logged, d.ID) {
		r.Logged = append(r.Logged, d.ID)
		if err := c.saveRun(c.ctx, r); err != nil {
			return err
		}
	}
	if len(m.Contents) > maxLinked || d.Type == "run_table" || d.Type == "wandb-history" || d.Type == "job" {
		return nil // files of the run, or about it, anyway
	}
	for name, e := range m.Contents {
		if err := c.link(r, fmt.Sprintf("%s%s-v%d/%s", linked, d.Collection, d.Version, name), e); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) link(r *run, name string, e entry) error {
	if e.Ref != "" {
		return nil
	}
	from, err := blobOf(e.Digest)
	if err != nil {
		return err
	}
	to, err := c.filePath(c.ctx, r, name)
	if err != nil {
		return err
	}
	file, err := c.store.Artifact(c.ctx, from)
	if err == nil {
		_, err = c.store.LinkArtifact(c.ctx, to, file.Node)
	}
	return err
}

// commitHash is a short name of an artifact's content.
func commitHash(d *artifact) string {
	sum := sha256.Sum256([]byte(d.ID + d.Digest))
	return hex.EncodeToString(sum[:10])
}
