package web

import (
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/xtrepro/xt/track"
)

type shownFile struct {
	Name string `json:"name"`
	Path string `json:"path"` // below the artifacts of the run
	Dir  bool   `json:"dir"`
	Size int64  `json:"size"`
	Time int64  `json:"time"`
}

// artifactPath returns the place of the artifacts that the query names, and their
// root: those of a run, or of a logged model.
func (c *call) artifactPath() (root, p track.Path, err error) {
	uri := ""
	if id := c.query.Get("model"); id != "" {
		m, err := c.store.LoggedModel(c.r.Context(), id)
		if err != nil {
			return root, p, err
		}
		uri = m.ArtifactURI
	} else {
		r, err := c.store.Run(c.r.Context(), c.query.Get("id"))
		if err != nil {
			return root, p, err
		}
		uri = r.ArtifactURI
	}
	root, ok := track.ArtifactPathOf(uri)
	if !ok {
		return root, p, track.Errorf(track.InvalidState, "The artifacts are at %s, where this server does not read.", uri)
	}
	p, err = root.Join(c.query.Get("path"))
	return root, p, err
}

func (c *call) artifacts() (any, error) {
	root, p, err := c.artifactPath()
	if err != nil {
		return nil, err
	}
	files, err := c.store.ListArtifacts(c.r.Context(), p)
	list := []shownFile{}
	for _, f := range files {
		below := strings.TrimPrefix(strings.TrimPrefix(f.Path.String(), root.String()), "/")
		list = append(list, shownFile{f.Path.Base(), below, f.IsDir, f.Node.Size, f.Time})
	}
	return list, err
}

// previewKinds are the types of files that a browser may show by itself: what
// cannot hold a script, or whose scripts the sandbox does not run.
var previewKinds = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".bmp": "image/bmp",
	".svg": "image/svg+xml", ".wav": "audio/wav", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".flac": "audio/flac", ".m4a": "audio/mp4",
	".mp4": "video/mp4", ".webm": "video/webm", ".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8",
}

// sandbox is the policy of an artifact. Where a browser shows it, it is a page of
// nowhere: no script runs, nothing is asked of this server or any other.
const sandbox = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; media-src data:; font-src data:; frame-ancestors 'self'"

// serveArtifact answers with a file: for a preview, or to be kept.
func (h *Handler) serveArtifact(w http.ResponseWriter, r *http.Request) {
	c := &call{Handler: h, w: w, r: r, query: r.URL.Query()}
	if err := c.sendArtifact(); err != nil {
		h.fail(w, r, err)
	}
}

func (c *call) sendArtifact() error {
	_, p, err := c.artifactPath()
	if err != nil {
		return err
	}
	if a, err := c.store.Artifact(c.r.Context(), p); err == nil && a.IsDir {
		return track.Errorf(track.InvalidParameter, "%s is a folder.", p)
	}
	file, a, err := c.store.OpenArtifact(c.r.Context(), p)
	if err != nil {
		return err
	}
	defer file.Close()
	kind, way := "application/octet-stream", "attachment"
	if c.query.Get("preview") == "1" {
		way = "inline"
		if kind = previewKinds[strings.ToLower(path.Ext(p.Base()))]; kind == "" {
			kind = "text/plain; charset=utf-8"
		}
	}
	head := c.w.Header()
	head.Set("Content-Type", kind)
	head.Set("Content-Disposition", mime.FormatMediaType(way, map[string]string{"filename": p.Base()}))
	head.Set("Content-Security-Policy", sandbox)
	head.Set("Cache-Control", "no-cache, private")
	head.Set("ETag", `"`+a.Node.Sum.String()+`"`)
	http.ServeContent(c.w, c.r, "", time.UnixMilli(a.Time), file)
	return nil
}
