package wandb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/xtrepro/xt/track"
)

// commitArtifact makes a version of what was uploaded.
func (c *call) commitArtifact(a args) (any, error) {
	d, err := c.loadArtifact(c.ctx, a.input().text("artifactID"))
	if err != nil {
		return nil, err
	}
	defer c.lockCollection(d.Entity, d.Project, d.Collection)()
	if d, err = c.loadArtifact(c.ctx, artifactID(d.ID)); err != nil || d.State == committed {
		return object{"artifact": c.artifactObject(d)}, err
	}
	col, err := c.loadCollection(c.ctx, d.Entity, d.Project, d.Collection)
	if err != nil {
		return nil, err
	}
	parts, err := c.parts(d, col)
	if err != nil {
		return nil, err
	}
	m, err := c.settleManifest(d, parts)
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
	// The collection first: a version that is committed must not be missing there. If
	// this is interrupted, the client comes again and finds its number.
	if d.Version = slices.Index(col.Versions, d.ID); d.Version < 0 {
		d.Version = len(col.Versions)
		col.Versions = append(col.Versions, d.ID)
	}
	for _, alias := range append(d.Aliases, "latest") {
		col.Aliases[alias] = d.ID
	}
	delete(col.Parts, d.Shared)
	if err := c.saveCollection(c.ctx, col); err != nil {
		return nil, err
	}
	d.State, d.Updated = committed, now()
	if err := c.saveArtifact(c.ctx, d); err != nil {
		return nil, err
	}
	for _, part := range append(parts, d) {
		if err := c.logged(part.Run, d, m); err != nil {
			return nil, err
		}
	}
	return object{"artifact": c.artifactObject(d)}, nil
}

// parts returns what other processes have uploaded of a version.
func (c *call) parts(d *artifact, col *collection) ([]*artifact, error) {
	var parts []*artifact
	for _, id := range col.Parts[d.Shared] {
		if id == d.ID {
			continue
		}
		part, err := c.loadArtifact(c.ctx, artifactID(id))
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// settleManifest reads the list of files, and puts those of the version that it is
// added to into it, and those that other processes have uploaded.
func (c *call) settleManifest(d *artifact, parts []*artifact) (*manifest, error) {
	m, err := c.readManifest(c.ctx, d.ID)
	if err != nil {
		return nil, err
	}
	var others []string
	for _, part := range parts {
		others = append(others, part.ID)
	}
	if d.Base != "" && d.Manifest != "FULL" {
		others = append(others, d.Base)
	}
	if len(others) == 0 {
		return m, nil
	}
	for _, id := range others {
		other, err := c.readManifest(c.ctx, id)
		if track.CodeOf(err) == track.NotFound && id != d.Base {
			continue // a process that was not done
		}
		if err != nil {
			return nil, err
		}
		for name, e := range other.Contents {
			if _, ok := m.Contents[name]; !ok {
				m.Contents[name] = e
			}
		}
	}
	d.Digest = m.digest() // what the client said is that of a part
	return m, c.writeManifest(d, m)
}

func (c *call) writeManifest(d *artifact, m *manifest) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	p, err := manifestPath(d.ID)
	if err != nil {
		return err
	}
	_, err = c.store.PutArtifact(c.ctx, p, bytes.NewReader(b))
	return err
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

// logged makes an artifact part of a run that made it.
func (c *call) logged(run string, d *artifact, m *manifest) error {
	if run == "" {
		return nil
	}
	n := newRunName(d.Entity, d.Project, run)
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
