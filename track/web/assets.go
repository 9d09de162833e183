package web

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/xtrepro/xt/track/access"
)

//go:embed page
var files embed.FS

// asset is a file of the page.
type asset struct {
	kind        string
	plain, gzip []byte
}

// assets are the files of the page, compressed once. Their digest is in their
// addresses, so that browsers keep them for ever, and never the wrong ones.
type assets struct {
	digest string
	files  map[string]*asset
	page   *asset
	links  map[string]string // of each view, the header that names what it is made of
}

var loadAssets = sync.OnceValue(func() *assets {
	a := &assets{files: map[string]*asset{}}
	sum := sha256.New()
	_ = fs.WalkDir(files, "page", func(name string, d fs.DirEntry, err error) error { // they are in the binary
		if err != nil || d.IsDir() {
			return err
		}
		b, err := files.ReadFile(name)
		a.files[strings.TrimPrefix(name, "page/")] = newAsset(name, b)
		sum.Write([]byte(name))
		sum.Write(b)
		return err
	})
	a.digest = hex.EncodeToString(sum.Sum(nil)[:8])
	html := strings.ReplaceAll(string(a.files["index.html"].plain), "DIGEST", a.digest)
	a.page = newAsset("index.html", []byte(html))
	a.links = map[string]string{}
	for name := range a.files {
		if view, ok := strings.CutSuffix(name, ".js"); ok {
			a.links[view] = a.link("main.js", name)
		}
	}
	return a
})

var imports = regexp.MustCompile(`(?m)^import .* from '\./(.+)';$`)

// link returns the header that has a browser ask for scripts, and for all that they
// import, at once: otherwise each would be asked for when the one before is there.
func (a *assets) link(scripts ...string) string {
	var header []string
	for i := 0; i < len(scripts); i++ {
		header = append(header, "</ui/assets/"+a.digest+"/"+scripts[i]+">; rel=modulepreload")
		for _, found := range imports.FindAllSubmatch(a.files[scripts[i]].plain, -1) {
			if name := string(found[1]); !slices.Contains(scripts, name) {
				scripts = append(scripts, name)
			}
		}
	}
	return strings.Join(header, ", ")
}

// kinds are the types of the files: those of the system may be anything.
var kinds = map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

func newAsset(name string, b []byte) *asset {
	kind := kinds[path.Ext(name)]
	if kind == "" {
		kind = "text/plain; charset=utf-8"
	}
	return &asset{kind: kind, plain: b, gzip: compress(b, gzip.BestCompression)}
}

// policy is what the page may do: nothing but run the files served here, and ask
// this server.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; " +
	"frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// servePage answers with the page, which is the same whatever it will show; what it
// will need for that is in a header.
func (h *Handler) servePage(w http.ResponseWriter, r *http.Request) {
	a := loadAssets()
	head := w.Header()
	head.Set("Content-Security-Policy", policy)
	head.Set("Cache-Control", "no-cache")
	head.Set("ETag", `"`+a.digest+`"`)
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	if link := a.links[cmp.Or(r.URL.Query().Get("view"), "runs")]; link != "" {
		head.Set("Link", link)
		for _, name := range h.wanted(r) {
			head.Add("Link", "<"+api+name+">; rel=preload; as=fetch; crossorigin")
		}
	}
	a.page.serve(w, r)
}

// wanted returns what the page will ask for first, if that follows from its address, as
// its scripts write it: a browser asks for it before they are there. Who must sign in
// first would be answered with an error, which a browser keeps for when it is asked for
// again.
func (h *Handler) wanted(r *http.Request) []string {
	if access.ScopeOf(r.Context()) == "" {
		return nil
	}
	names, address := []string{"session"}, r.URL.Query()
	plain := func(values []string) bool {
		return len(values) > 0 && len(values) <= maxWanted && !slices.ContainsFunc(values, func(v string) bool { return !plainID.MatchString(v) })
	}
	switch view := address.Get("view"); view {
	case "", "runs":
		names = append(names, "experiments")
		q := url.Values{"exp": address["exp"], "max": {"100"}}
		delete(address, "view")
		delete(address, "exp")
		if len(address) == 0 && (len(q["exp"]) == 0 || plain(q["exp"])) {
			names = append(names, "runs?"+q.Encode())
		}
	case "compare":
		if ids := address["run"]; plain(ids) {
			names = append(names, "runs?"+url.Values{"run": ids}.Encode())
		}
	case "run":
		if ids := address["id"]; plain(ids) {
			names = append(names, "run?"+url.Values{"id": ids[:1]}.Encode())
		}
	case "data":
		if h.Project != nil {
			names = append(names, view)
		}
	case "models", "prompts":
		names = append(names, view)
	}
	return names
}

const maxWanted = 25 // of runs: proxies refuse headers of more than 4 KB

// plainID is what numbers of runs and experiments look like, those of imported ones, too.
var plainID = regexp.MustCompile(`^[\w-]+$`)

func (h *Handler) serveAsset(w http.ResponseWriter, r *http.Request) {
	a := loadAssets()
	file := a.files[r.PathValue("path")]
	if file == nil || r.PathValue("digest") != a.digest {
		// That of another version: the page must be loaded again.
		writeError(w, http.StatusNotFound, "This version of the page is gone; load it again.")
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("ETag", `"`+a.digest+`"`)
	file.serve(w, r)
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Type", a.kind)
	head.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == head.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	b := a.plain
	if takesGzip(r) {
		head.Set("Content-Encoding", "gzip")
		b = a.gzip
	}
	_, _ = w.Write(b)
}
