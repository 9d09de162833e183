package web

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/sql"
)

// newStore opens an empty store until the end of the test.
func newStore(t testing.TB) *sql.Store {
	t.Helper()
	dir := t.TempDir()
	c, err := cache.Open(filepath.Join(dir, "cache"), cache.Options{})
	check(t, err)
	s, err := sql.Open(t.Context(), filepath.Join(dir, "runs.db"), sql.Options{Cache: c})
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRun(t testing.TB, s track.Store, n track.NewRun, b track.Batch) track.Run {
	t.Helper()
	r, err := s.CreateRun(t.Context(), n)
	check(t, err)
	check(t, s.LogBatch(t.Context(), r.ID, b))
	return r
}

// get asks for something, and reads the answer into to.
func get(t testing.TB, h http.Handler, path string, query url.Values, to any) int {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/ui/api/"+path+"?"+query.Encode(), nil))
	if err := json.Unmarshal(w.Body.Bytes(), to); err != nil {
		t.Fatalf("%s: %v: %.300s", path, err, w.Body)
	}
	return w.Code
}

func TestRuns(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	h := New(s, Options{})
	parent := newRun(t, s, track.NewRun{Name: "parent", Start: 1}, track.Batch{})
	for i := range 3 {
		newRun(t, s, track.NewRun{Name: "child", Start: int64(10 + i)}, track.Batch{
			Params:  []track.Param{{Key: "lr", Value: strings.Repeat("9", 1000)}, {Key: "opt", Value: "adam"}},
			Metrics: []track.Metric{{Key: "loss", Value: []float64{0.5, math.NaN(), math.Inf(1)}[i], Step: 7}},
			Tags:    []track.Tag{{Key: track.ParentRunTag, Value: parent.ID}},
		})
	}
	var found struct {
		Runs []shownRun
		More bool
	}
	// JSON has no NaN, so that values are read as what they are written as.
	var raw struct {
		Runs []struct{ Metrics map[string][2]any }
	}
	order := url.Values{"order": {"attributes.start_time ASC"}, "max": {"2"}, "at": {"1"}, "key": {"metrics.loss"}}
	if code := get(t, h, "runs", order, &raw); code != 200 || len(raw.Runs) != 2 || raw.Runs[0].Metrics["loss"] != [2]any{0.5, 7.0} || raw.Runs[1].Metrics["loss"] != [2]any{"NaN", 7.0} {
		t.Errorf("runs: %d, %+v", code, raw)
	}
	get(t, h, "runs", url.Values{"q": {"params.opt = 'adam'"}, "key": {"params.lr"}, "max": {"1"}}, &found)
	if len(found.Runs) != 1 || !found.More || len(found.Runs[0].Params["lr"]) != maxText || len(found.Runs[0].Params) != 1 {
		t.Errorf("runs: %+v", found)
	}
	var n struct{ Count int }
	if get(t, h, "count", url.Values{"q": {"params.opt = 'adam'"}}, &n); n.Count != 3 {
		t.Errorf("count: %+v", n)
	}
	var groups struct {
		Groups []shownGroup
		Rest   int
	}
	get(t, h, "groups", url.Values{"by": {"tags." + track.ParentRunTag}}, &groups)
	if len(groups.Groups) != 1 || groups.Groups[0].Label != "parent" || groups.Groups[0].Runs != 3 || groups.Rest != 1 {
		t.Errorf("groups: %+v", groups)
	}
	var page struct {
		Children []struct{ Name string }
		Params   map[string]string
	}
	if get(t, h, "run", url.Values{"id": {parent.ID}}, &page); len(page.Children) != 3 {
		t.Errorf("children: %+v", page)
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	h := New(newStore(t), Options{})
	for path, want := range map[string]int{
		"runs?q=nonsense": 400, "runs?max=0": 400, "runs?max=x": 400, "runs?exp=x": 400, "groups?by=colour": 400, "run?id=none": 404, "log?id=none": 404,
		"curves?key=loss": 400, "curves?key=loss&run=none": 404, "artifacts?id=none": 404, "changes?run=a": 400, "trace?id=none": 404, "pipeline": 409, "data": 409, "nothing": 404, "runs?%zz": 400,
	} {
		var e struct{ Error string }
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/ui/api/"+path, nil))
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Error == "" || w.Code != want {
			t.Errorf("%s: %d %s, want %d", path, w.Code, w.Body, want)
		}
	}
}

// Runs that are named come as they are named, imported ones as well; what cannot be one is
// not there.
func TestNamedRuns(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	h := New(s, Options{})
	for _, id := range []string{"a_1", "b-2"} {
		newRun(t, s, track.NewRun{ID: id, Name: id}, track.Batch{})
	}
	for query, want := range map[string][]string{"run=b-2&run=%27x&run=a_1": {"b-2", "a_1"}, "run=a_1&run=b-2": {"a_1", "b-2"}, "run=%3Cb%3E": nil} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/ui/api/runs?"+query, nil))
		var answer struct{ Runs []shownRun }
		check(t, json.Unmarshal(w.Body.Bytes(), &answer))
		var got []string
		for _, r := range answer.Runs {
			got = append(got, r.ID)
		}
		if w.Code != 200 || !slices.Equal(got, want) {
			t.Errorf("%s: %d, %q, want %q", query, w.Code, got, want)
		}
	}
}

// What has not changed is not sent again.
func TestFresh(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	h := New(s, Options{})
	r := httptest.NewRequest("GET", "/ui/api/runs", nil)
	ask := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	r.Header.Set("If-None-Match", ask().Header().Get("ETag"))
	if w := ask(); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("the same again: %d", w.Code)
	}
	newRun(t, s, track.NewRun{Name: "x"}, track.Batch{})
	if w := ask(); w.Code != 200 {
		t.Errorf("something new: %d", w.Code)
	}
}

// An artifact cannot do what the page can, and is not taken for something else.
func TestArtifacts(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	h := New(s, Options{})
	r := newRun(t, s, track.NewRun{Name: "x"}, track.Batch{})
	root, _ := track.ArtifactPathOf(r.ArtifactURI)
	for _, name := range []string{"a.html", "deep/b.js", "c.svg", "ü \".txt"} {
		p, err := root.Join(name)
		check(t, err)
		_, err = s.PutArtifact(t.Context(), p, strings.NewReader("<script>alert(1)</script>"))
		check(t, err)
	}
	var files []shownFile
	get(t, h, "artifacts", url.Values{"id": {r.ID}}, &files)
	if len(files) != 4 || files[2].Path != "deep" || !files[2].Dir {
		t.Errorf("files: %+v", files)
	}
	for _, c := range []struct{ path, preview, kind, way string }{
		{"a.html", "1", "text/html; charset=utf-8", "inline"}, {"a.html", "", "application/octet-stream", "attachment"},
		{"deep/b.js", "1", "text/plain; charset=utf-8", "inline"}, {"c.svg", "1", "image/svg+xml", "inline"}, {"ü \".txt", "", "application/octet-stream", "attachment"},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/ui/artifact?"+url.Values{"id": {r.ID}, "path": {c.path}, "preview": {c.preview}}.Encode(), nil))
		head := w.Result().Header
		if w.Code != 200 || head.Get("Content-Type") != c.kind || !strings.HasPrefix(head.Get("Content-Disposition"), c.way) || !strings.HasPrefix(head.Get("Content-Security-Policy"), "sandbox;") || head.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d, %v", c.path, w.Code, head)
		}
	}
	for path, want := range map[string]int{"../x": 400, "/etc/passwd": 400, "deep": 400, "none": 404} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/ui/artifact?"+url.Values{"id": {r.ID}, "path": {path}}.Encode(), nil))
		if w.Code != want {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// The page is small, is kept by browsers, and allows itself little.
func TestAssets(t *testing.T) {
	t.Parallel()
	h := New(newStore(t), Options{})
	ask := func(path string) *http.Response {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	page := ask("/")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'"} {
		if !strings.Contains(page.Header.Get("Content-Security-Policy"), want) {
			t.Errorf("the policy lacks %s", want)
		}
	}
	total := int64(0)
	a := loadAssets()
	for view, want := range map[string][]string{"": {"main.js", "dom.js", "runs.js", "source.js"}, "compare": {"compare.js", "chart.js", "vendor/uplot.js"}, "none": nil, "../x": nil} {
		link := ask("/?view=" + view).Header.Get("Link")
		for _, file := range want {
			if !strings.Contains(link, "</ui/assets/"+a.digest+"/"+file+">; rel=modulepreload") {
				t.Errorf("%q does not name %s: %s", view, file, link)
			}
		}
		if want == nil && link != "" {
			t.Errorf("%q: %s", view, link)
		}
	}
	for _, runs := range []int{maxWanted, 10 * maxWanted} {
		var header strings.Builder
		check(t, ask("/?view=compare"+strings.Repeat("&run=0123456789abcdef0123456789abcdef", runs)).Header.Write(&header))
		if header.Len() > 4000 {
			t.Errorf("the header for %d runs has %d bytes, which proxies refuse", runs, header.Len())
		}
	}
	for address, want := range map[string][]string{
		"/": {"session", "experiments", "runs?max=100"}, "/?view=runs&exp=1&exp=2": {"session", "experiments", "runs?exp=1&exp=2&max=100"}, "/?q=x": {"session", "experiments"},
		"/?view=compare&run=a1&run=b2": {"session", "runs?run=a1&run=b2"}, "/?view=compare&run=%3E%2C%3Cx": {"session"}, "/?view=run&id=a1": {"session", "run?id=a1"}, "/?view=data": {"session"},
	} {
		var got []string
		for _, link := range ask(address).Header.Values("Link")[1:] {
			got = append(got, strings.TrimSuffix(strings.TrimPrefix(link, "</ui/api/"), ">; rel=preload; as=fetch; crossorigin"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: asked for early is %q, want %q", address, got, want)
		}
	}
	for name := range a.files {
		resp := ask("/ui/assets/" + a.digest + "/" + name)
		n, err := io.Copy(io.Discard, resp.Body)
		check(t, err)
		if !strings.HasSuffix(name, "LICENSE") {
			total += n
		}
		if resp.StatusCode != 200 || resp.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %v", name, resp.StatusCode, resp.Header)
		}
	}
	if total > 200_000 {
		t.Errorf("the page weighs %d bytes", total)
	}
	t.Logf("all of the page weighs %d bytes", total)
	if resp := ask("/ui/assets/0123456789abcdef/main.js"); resp.StatusCode != 404 {
		t.Errorf("that of another version: %d", resp.StatusCode)
	}
}

func FuzzQuery(f *testing.F) {
	s := newStore(f)
	h := New(s, Options{})
	r := newRun(f, s, track.NewRun{Name: "x"}, track.Batch{Metrics: []track.Metric{{Key: "loss", Value: 1}}})
	f.Add("runs", "q=metrics.loss+%3C+1&order=metrics.loss+DESC&max=3&at=9")
	f.Add("groups", "by=tags.x&exp=0")
	f.Add("curves", "run="+r.ID+"&key=loss&from=-1&to=1e15&max=7")
	f.Add("artifacts", "id="+r.ID+"&path=..%2F..")
	f.Add("traces", "id=%27&at=3")
	f.Fuzz(func(t *testing.T, path, query string) {
		if strings.ContainsAny(path, "/?#%") || path == "" {
			return
		}
		req := httptest.NewRequest("GET", "/", nil)
		req.URL.Path, req.URL.RawQuery = "/ui/api/"+path, query
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code >= 500 {
			t.Errorf("%s?%s: %d %s", path, query, w.Code, w.Body)
		}
	})
}
