package wandb

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/xtrepro/xt/track"
)

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

// manifest is the list of an artifact's files, as clients write it.
type manifest struct {
	Version             int              `json:"version"`
	StoragePolicy       string           `json:"storagePolicy"`
	StoragePolicyConfig json.RawMessage  `json:"storagePolicyConfig,omitempty"`
	Contents            map[string]entry `json:"contents"`
}

// digest is that of an artifact with these files, as clients compute it.
func (m *manifest) digest() string {
	sum := md5.New()
	_, _ = io.WriteString(sum, "wandb-artifact-manifest-v1\n") // a hash takes all
	for _, name := range slices.Sorted(maps.Keys(m.Contents)) {
		fmt.Fprintf(sum, "%s:%s\n", name, m.Contents[name].Digest)
	}
	return hex.EncodeToString(sum.Sum(nil))
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
