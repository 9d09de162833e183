package wandb

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/wandb/offline"
)

// keepArtifacts brings the artifacts that the run logged, and those that it used as
// far as they are here. Their files are where the client has put them aside, if they
// are still there.
func (j *importing) keepArtifacts() error {
	for _, a := range j.artifacts {
		if err := j.fillManifest(a); err != nil {
			j.o.Warn(j.dir.Path, fmt.Sprintf("the files of artifact %s are not known: %v", a.Name, err))
			continue
		}
		if missing := j.missing(a); missing != "" {
			j.o.Warn(j.dir.Path, fmt.Sprintf("artifact %s is left out: %s", a.Name, missing))
			continue
		}
		if err := j.keepArtifact(a); err != nil {
			return fmt.Errorf("artifact %s: %w", a.Name, err)
		}
		j.report.Artifacts++
	}
	if j.o.DryRun {
		return nil
	}
	for _, u := range j.used {
		d, _, err := j.byName(j.ctx, j.run.Entity, j.run.Project, u.Name)
		if track.CodeOf(err) == track.NotFound || u.Name == "" {
			continue // it is on the server that it came from
		}
		if err == nil {
			err = j.note(j.run.runName, d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fillManifest reads the list of files where it was too long for the log.
func (j *importing) fillManifest(a *offline.Artifact) error {
	if len(a.Files) > 0 || a.Manifest == "" {
		return nil
	}
	files, err := offline.ReadManifest(a.Manifest)
	a.Files = files
	return err
}

// missing says which file of an artifact is not to be had.
func (j *importing) missing(a *offline.Artifact) string {
	for _, f := range a.Files {
		if f.Ref != "" {
			continue
		}
		if f.Local == "" {
			return f.Path + " is not on this machine"
		}
		info, err := os.Lstat(f.Local)
		if err != nil || !info.Mode().IsRegular() || info.Size() != f.Size {
			return fmt.Sprintf("%s was put aside as %s, which is not there any more", f.Path, filepath.ToSlash(f.Local))
		}
	}
	return ""
}

// errOther says that a file is not the one that was logged.
var errOther = errors.New("its content has changed since")

func (j *importing) keepArtifact(a *offline.Artifact) error {
	if j.o.DryRun {
		return nil
	}
	for _, f := range a.Files {
		if err := j.keepBlob(f); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	var aliases []any
	for _, alias := range a.Aliases {
		aliases = append(aliases, map[string]any{"alias": alias, "artifactCollectionName": a.Name})
	}
	in := map[string]any{
		"entityName": j.run.Entity, "projectName": j.run.Project, "runName": j.run.Run, "artifactTypeName": a.Type, "artifactCollectionName": a.Name,
		"digest": a.Digest, "clientID": a.ClientID, "sequenceClientID": a.SequenceClientID, "aliases": aliases, "enableDigestDeduplication": true,
	}
	for name, text := range map[string]string{"description": a.Description, "metadata": a.Metadata} {
		if text != "" {
			in[name] = text
		}
	}
	d, err := j.begun(in)
	if err != nil || d.State == committed {
		return err
	}
	if err := j.keepManifest(a, d.ID); err != nil {
		return err
	}
	_, err = j.commitArtifact(args{"input": map[string]any{"artifactID": artifactID(d.ID)}})
	return err
}

// begun makes a version.
func (j *importing) begun(in map[string]any) (*artifact, error) {
	made, err := j.createArtifact(args{"input": in})
	if err != nil {
		return nil, err
	}
	o, ok := made.(object)["artifact"].(object)
	if !ok {
		return nil, errors.New("it was not made")
	}
	id, _ := o["id"].(string)
	return j.loadArtifact(j.ctx, id)
}

// keepBlob stores a file under its MD5.
func (j *importing) keepBlob(f offline.ArtifactFile) error {
	if f.Ref != "" {
		return nil
	}
	p, err := blobOf(f.Digest)
	if err != nil {
		return err
	}
	if _, err := j.store.Artifact(j.ctx, p); track.CodeOf(err) != track.NotFound {
		return err
	}
	file, err := os.Open(f.Local)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := md5.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if base64.StdEncoding.EncodeToString(sum.Sum(nil)) != f.Digest {
		return errOther
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := j.store.PutArtifact(j.ctx, p, file); err != nil {
		return err
	}
	j.count(f.Size)
	return nil
}

// keepManifest writes the list of files as a client would send it.
func (j *importing) keepManifest(a *offline.Artifact, id string) error {
	m := manifest{Version: 1, StoragePolicy: "wandb-storage-policy-v1", StoragePolicyConfig: json.RawMessage(`{"storageLayout":"V2"}`), Contents: map[string]entry{}}
	for _, f := range a.Files {
		m.Contents[f.Path] = entry{Digest: f.Digest, Size: f.Size, Ref: f.Ref}
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	p, err := manifestPath(id)
	if err == nil {
		_, err = j.store.PutArtifact(j.ctx, p, strings.NewReader(string(b)))
	}
	return err
}
