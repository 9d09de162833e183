package mlflow

import (
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/xtrepro/xt/track"
)

var artifactRoutes = []route{
	{"GET", "2.0/mlflow-artifacts/artifacts", "lists a folder of artifacts", "path", (*call).listArtifacts},
	{"GET", "2.0/mlflow-artifacts/artifacts/{path...}", "returns a file; a part of it with Range", plain, (*call).getArtifact},
	{"PUT", "2.0/mlflow-artifacts/artifacts/{path...}", "stores a file", plain, (*call).putArtifact},
	{"DELETE", "2.0/mlflow-artifacts/artifacts/{path...}", "deletes a file or a folder", plain, (*call).deleteArtifacts},
	{"POST", "2.0/mlflow-artifacts/mpu/create/{folder...}", "starts an upload in parts", "path! num_parts:integer", (*call).createUpload},
	{"PUT", "2.0/mlflow-artifacts/mpu/part/{upload_id}/{part_number}", "stores a part", plain, (*call).putPart},
	{"POST", "2.0/mlflow-artifacts/mpu/complete/{folder...}", "makes a file of the parts", "path! upload_id! parts:array", (*call).completeUpload},
	{"POST", "2.0/mlflow-artifacts/mpu/abort/{folder...}", "drops the parts", "path! upload_id!", (*call).abortUpload},
	{"GET", "2.0/mlflow-artifacts/presigned/{path...}", "says where parts of a file can be fetched from", plain, (*call).presigned},
	{"GET", "2.0/mlflow/artifacts/list", "lists files of a run", "run_id! path", (*call).listRunArtifacts},
	{"GET", "/get-artifact", "returns a file of a run", "path!", (*call).getRunArtifact},
	{"GET", "/model-versions/get-artifact", "returns a file of a version", "name! version! path!", (*call).getVersionArtifact},
	{"GET", "2.0/mlflow/logged-models/{model_id}/artifacts/files", "returns a file of a logged model", "artifact_file_path!", (*call).getModelArtifact},
}

func (c *call) pathValue() (track.Path, error) { return track.ParsePath(c.r.PathValue("path")) }

func (c *call) listArtifacts() error {
	folder, err := track.ParsePath(c.text("path"))
	if err != nil {
		return err
	}
	files, err := c.store.ListArtifacts(c.ctx, folder)
	return answerPage(c, "files", track.Page[track.Artifact]{Items: files}, err, func(e *encoder, a *track.Artifact) {
		e.file(a, a.Path.Base())
	})
}

func (e *encoder) file(a *track.Artifact, name string) {
	e.open()
	e.str("path", name)
	e.bool("is_dir", a.IsDir)
	if !a.IsDir {
		e.int("file_size", a.Node.Size)
	}
	e.close()
}

func (c *call) listRunArtifacts() error {
	run, err := c.store.Run(c.ctx, c.text("run_id"))
	if err != nil {
		return err
	}
	return c.listBelow(run.ArtifactURI, c.text("path"))
}

// listBelow answers with what is in a folder below a location.
func (c *call) listBelow(location, below string) error {
	root, folder, err := artifactBelow(location, below)
	if err != nil {
		return err
	}
	files, err := c.store.ListArtifacts(c.ctx, folder)
	if err != nil {
		return err
	}
	c.out.open()
	c.out.str("root_uri", location)
	list(&c.out, "files", files, func(e *encoder, a *track.Artifact) {
		e.file(a, strings.TrimPrefix(strings.TrimPrefix(a.Path.String(), root.String()), "/"))
	})
	c.out.close()
	return nil
}

// artifactBelow returns the folder in the store that a location is, and what is
// below it.
func artifactBelow(location, below string) (root, p track.Path, err error) {
	root, ok := track.ArtifactPathOf(location)
	if !ok {
		return root, p, track.Errorf(track.InvalidParameter, "The artifacts are at %s, where clients read them by themselves; the server does not.", location)
	}
	p, err = root.Join(below)
	return root, p, err
}

func (c *call) getRunArtifact() error {
	run, err := c.store.Run(c.ctx, c.text("run_id"))
	if err != nil {
		return err
	}
	return c.serveBelow(run.ArtifactURI, c.text("path"))
}

func (c *call) getVersionArtifact() error {
	version := c.version()
	if c.err != nil {
		return c.err
	}
	location, err := c.registry.ModelVersionFiles(c.ctx, c.text("name"), version)
	if err != nil {
		return err
	}
	return c.serveBelow(location, c.text("path"))
}

func (c *call) getModelArtifact() error {
	m, err := c.store.LoggedModel(c.ctx, c.text("model_id"))
	if err != nil {
		return err
	}
	return c.serveBelow(m.ArtifactURI, c.text("artifact_file_path"))
}

// serveBelow answers with a file below a location.
func (c *call) serveBelow(location, below string) error {
	_, p, err := artifactBelow(location, below)
	if err != nil {
		return err
	}
	return c.serveArtifact(p)
}

func (c *call) getArtifact() error {
	p, err := c.pathValue()
	if err != nil {
		return err
	}
	return c.serveArtifact(p)
}

func (c *call) serveArtifact(p track.Path) error {
	if files, err := c.store.Artifact(c.ctx, p); err == nil && files.IsDir {
		return track.Errorf(track.InvalidParameter, "Artifact path refers to a directory, not a file: '%s'", p)
	}
	file, a, err := c.store.OpenArtifact(c.ctx, p)
	if err != nil {
		return err
	}
	defer file.Close()
	h := c.w.Header()
	h.Set("Content-Type", contentType(p.Base()))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": p.Base()}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", `"`+a.Node.Sum.String()+`"`)
	c.sent = true
	http.ServeContent(c.w, c.r, "", time.UnixMilli(a.Time), file)
	return nil
}

// plainText are endings of the names of files that MLflow's own page shows as
// text.
var plainText = map[string]bool{
	".txt": true, ".log": true, ".err": true, ".cfg": true, ".conf": true, ".cnf": true, ".ini": true, ".properties": true,
	".toml": true, ".yaml": true, ".yml": true, ".xml": true, ".json": true, ".js": true, ".py": true, ".csv": true, ".tsv": true,
	".md": true, ".rst": true, ".sh": true, ".jsonl": true, ".sql": true, ".r": true, ".html": true, ".css": true,
}

func contentType(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if plainText[ext] || name == "MLmodel" || name == "MLproject" {
		return "text/plain"
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

func (c *call) putArtifact() error {
	if strings.HasSuffix(c.r.URL.Path, "/") {
		return track.Errorf(track.InvalidParameter, "Artifact path must include a filename (cannot end with '/').")
	}
	p, err := c.pathValue()
	if err != nil {
		return err
	}
	if _, err = c.store.PutArtifact(c.ctx, p, &bodyReader{c.r.Body}); err != nil {
		return err
	}
	c.sent = true // 200, and nothing in the body
	return nil
}

func (c *call) deleteArtifacts() error {
	p, err := c.pathValue()
	if err != nil {
		return err
	}
	if p.IsZero() {
		return track.Errorf(track.InvalidParameter, "Invalid path")
	}
	return c.store.DeleteArtifacts(c.ctx, p)
}
