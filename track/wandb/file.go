package wandb

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/xtrepro/xt/track"
)

// validFor is how long an address is good that a client was given. A client may be
// offline for a while before it uploads.
const validFor = 7 * 24 * time.Hour

// baseURL returns how a client calls the server.
func baseURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// address returns where something in the store can be uploaded to, or downloaded
// from, without a key.
func (c *call) address(method string, p track.Path) (string, error) {
	key, err := c.key(c.ctx)
	if err != nil {
		return "", err
	}
	expires := strconv.FormatInt(time.Now().Add(validFor).Unix(), 10)
	escaped := (&url.URL{Path: p.String()}).EscapedPath()
	return c.base + signedPrefix + sign(key, method, expires, p) + "/" + expires + "/" + escaped, nil
}

func sign(key []byte, method, expires string, p track.Path) string {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s\n%s\n%s", method, expires, p)
	return hex.EncodeToString(mac.Sum(nil)[:20])
}

// signed returns what the address of a request leads to, if it is one that address
// made.
func (s *Server) signed(r *http.Request, method string) (track.Path, error) {
	refused := track.Errorf(track.InvalidParameter, "the address is not one of this server, or is too old")
	key, err := s.key(r.Context())
	if err != nil {
		return track.Path{}, err
	}
	p, err := track.ParsePath(r.PathValue("path"))
	if err != nil {
		return track.Path{}, err
	}
	want := sign(key, method, r.PathValue("expires"), p)
	until, err := strconv.ParseInt(r.PathValue("expires"), 10, 64)
	if err != nil || subtle.ConstantTimeCompare([]byte(want), []byte(r.PathValue("mac"))) != 1 || time.Now().Unix() > until {
		return track.Path{}, refused
	}
	return p, nil
}

// upload stores a file. What is stored by its MD5 must have it.
func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	p, err := s.signed(r, http.MethodPut)
	if err == nil && r.Header.Get("Content-Encoding") != "" {
		err = track.Errorf(track.InvalidParameter, "files are sent as they are, and not encoded as %q", r.Header.Get("Content-Encoding"))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	body := &checked{Reader: r.Body, sum: md5.New(), want: r.Header.Get("Content-MD5")}
	if hexSum, ok := strings.CutPrefix(p.String(), blobs); ok {
		body.want = base64MD5(hexSum)
	}
	if _, err := s.store.PutArtifact(r.Context(), p, body); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("ETag", `"`+hex.EncodeToString(body.sum.Sum(nil))+`"`)
	w.WriteHeader(http.StatusOK)
}

// checked is a reader whose end is an error if what came has not the MD5 that it
// must have, so that it is not stored.
type checked struct {
	io.Reader
	sum  hash.Hash
	want string // in base64; "" for any
}

func (c *checked) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.sum.Write(b[:n])
	if !errors.Is(err, io.EOF) || c.want == "" {
		return n, err
	}
	if got := base64.StdEncoding.EncodeToString(c.sum.Sum(nil)); got != c.want {
		return n, track.Errorf(track.InvalidParameter, "the body has the MD5 %s and not %s", got, c.want)
	}
	return n, err
}

// download sends a file.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	p, err := s.signed(r, http.MethodGet)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.send(w, r, p, path.Base(p.String()))
}

// blob sends a file of an artifact by its MD5, which is the first word of its kind in
// the address: how many stand before it depends on the client.
func (s *Server) blob(w http.ResponseWriter, r *http.Request) {
	for word := range strings.SplitSeq(r.PathValue("path"), "/") {
		if p, err := blobPath(word); err == nil {
			s.send(w, r, p, path.Base(r.URL.Path))
			return
		}
	}
	s.fail(w, r, track.Errorf(track.InvalidParameter, "the address names no file by its MD5"))
}

func (s *Server) send(w http.ResponseWriter, r *http.Request, p track.Path, name string) {
	f, a, err := s.store.OpenArtifact(r.Context(), p)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream") // it is anybody's, and no page of this server
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("ETag", `"`+a.Node.Sum.String()+`"`)
	http.ServeContent(w, r, "", time.UnixMilli(a.Time), f)
}

// blobs is the folder of the files of artifacts, by MD5: a file that several have is
// uploaded once.
const blobs = "wandb/md5/"

func blobPath(md5Hex string) (track.Path, error) {
	if b, err := hex.DecodeString(md5Hex); err != nil || len(b) != md5.Size {
		return track.Path{}, track.Errorf(track.InvalidParameter, "%q is no MD5", md5Hex)
	}
	return track.ParsePath(blobs + strings.ToLower(md5Hex))
}

// blobOf is blobPath for the form in which clients write an MD5.
func blobOf(base64Sum string) (track.Path, error) {
	b, err := base64.StdEncoding.DecodeString(base64Sum)
	if err != nil {
		return track.Path{}, track.Errorf(track.InvalidParameter, "%q is no MD5", base64Sum)
	}
	return blobPath(hex.EncodeToString(b))
}

func base64MD5(md5Hex string) string {
	b, _ := hex.DecodeString(md5Hex) // it was checked
	return base64.StdEncoding.EncodeToString(b)
}

// files returns the folder of the files of a run.
func (s *Server) files(ctx context.Context, r *run) (track.Path, error) {
	there, err := s.store.Run(ctx, r.ID)
	if err != nil {
		return track.Path{}, err
	}
	p, ok := track.ArtifactPathOf(there.ArtifactURI)
	if !ok {
		return p, track.Errorf(track.InvalidState, "the artifacts of experiment %d are kept in %s, where W&B's clients cannot write", there.Experiment, there.ArtifactURI)
	}
	return p, nil
}

// filePath returns where a file of a run is kept.
func (s *Server) filePath(ctx context.Context, r *run, name string) (track.Path, error) {
	dir, err := s.files(ctx, r)
	if err != nil {
		return dir, err
	}
	return dir.Join(name)
}

// createRunFiles answers with where files of a run are to be uploaded.
func (c *call) createRunFiles(a args) (any, error) {
	in := a.input()
	r, err := c.loadRun(c.ctx, newRunName(in.text("entityName"), in.text("projectName"), in.text("runName")))
	if err != nil {
		return nil, err
	}
	names, _ := in.texts("files")
	files := []object{}
	for _, name := range names {
		o, err := c.uploadOf(r, name)
		if err != nil {
			return nil, err
		}
		files = append(files, o)
	}
	return object{"runID": r.id(), "uploadHeaders": []string{}, "files": files}, nil
}

func (c *call) uploadOf(r *run, name string) (object, error) {
	p, err := c.filePath(c.ctx, r, name)
	if err != nil {
		return nil, err
	}
	url, err := c.address(http.MethodPut, p)
	return object{"__typename": "File", "id": fileID(r, name), "name": name, "uploadUrl": url, "url": url}, err
}

func fileID(r *run, name string) string {
	return base64.StdEncoding.EncodeToString([]byte("File:" + r.id() + ":" + name))
}

// runFiles lists the files of a run. With names, those that are not there are in it
// too, so that older clients learn where to upload them.
func (c *call) runFiles(r *run, a args) (any, error) {
	names, _ := a.texts("names")
	upload := len(names) > 0
	dir, err := c.files(c.ctx, r)
	if err != nil {
		return nil, err
	}
	var list []object
	if upload {
		for _, name := range names {
			p, err := dir.Join(name)
			if err != nil {
				return nil, err
			}
			list = append(list, c.fileObject(r, name, p, nil))
		}
		return c.withHeaders(page(a, list)), nil
	}
	pattern := a.text("pattern")
	err = c.store.WalkArtifacts(c.ctx, dir, func(f track.Artifact) error {
		name := strings.TrimPrefix(f.Path.String(), dir.String()+"/")
		if !strings.HasPrefix(name, linked) && like(pattern, name) {
			list = append(list, c.fileObject(r, name, f.Path, &f))
		}
		return nil
	})
	return c.withHeaders(page(a, list)), err
}

func (c *call) withHeaders(o object) object { o["uploadHeaders"] = []string{}; return o }

// noFile is what stands for the MD5 of a file that is not there.
const noFile = "0"

// fileObject describes a file; a is nil if it may not be there.
func (c *call) fileObject(r *run, name string, p track.Path, a *track.Artifact) object {
	o := object{
		"__typename": "File", "id": fileID(r, name), "name": name, "displayName": name, "mimetype": mimeOf(name), "sizeBytes": 0, "updatedAt": nil, "md5": noFile, "digest": nil,
		"directUrl": resolver(func(args) (any, error) { return c.address(http.MethodGet, p) }),
		"url": resolver(func(a args) (any, error) {
			if a.flag("upload") {
				return c.address(http.MethodPut, p)
			}
			return c.address(http.MethodGet, p)
		}),
		"uploadUrl": resolver(func(args) (any, error) { return c.address(http.MethodPut, p) }),
	}
	if a == nil {
		if found, err := c.store.Artifact(c.ctx, p); err == nil && !found.IsDir {
			a = &found
		}
	}
	if a != nil {
		o["sizeBytes"], o["updatedAt"] = a.Node.Size, stamp(a.Time)
		o["md5"] = resolver(func(args) (any, error) { return c.md5Of(p) })
	}
	return o
}

// md5Of reads a file for its MD5.
func (c *call) md5Of(p track.Path) (string, error) {
	f, _, err := c.store.OpenArtifact(c.ctx, p)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := md5.New()
	_, err = io.Copy(sum, f)
	return base64.StdEncoding.EncodeToString(sum.Sum(nil)), err
}

func mimeOf(name string) string {
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// like reports whether a name matches a pattern of SQL's LIKE; "" matches all.
func like(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	return likeRunes([]rune(pattern), []rune(name))
}

func likeRunes(p, s []rune) bool {
	// Where the last % was, to come back to.
	star, at := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '%':
			star, at = i, j
			i++
		case i < len(p) && (p[i] == '_' || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			at++
			i, j = star+1, at
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '%' {
		i++
	}
	return i == len(p)
}

// stamp writes a time as clients read it; nil for none.
func stamp(ms int64) any {
	if ms == 0 {
		return nil
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05Z")
}
