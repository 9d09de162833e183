package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/mlflow"
)

// serve starts a server, and opens it as a source that does not wait long.
func serve(t *testing.T, h http.HandlerFunc, warn Warn) *Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	s, err := OpenServer(server.URL, Login{}, warn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.wait = time.Millisecond
	return s
}

// ask asks a server for its experiments, and returns their names.
func ask(ctx context.Context, s *Server) (names []string, err error) {
	err = s.Experiments(ctx, func(e *Experiment) error {
		names = append(names, e.Name)
		return nil
	})
	return names, err
}

func TestLogin(t *testing.T) {
	for _, c := range []struct {
		userinfo string
		login    Login
		want     string
	}{
		{"", Login{}, ""},
		{"", Login{Token: "t"}, "Bearer t"},
		{"", Login{User: "u", Password: "p", Token: "t"}, "Basic dTpw"},
		{"", Login{User: "u", Token: "t"}, "Bearer t"},
		{"", Login{User: "u"}, "Basic dTo="},
		{"u:p%40@", Login{Token: "t"}, "Basic dTpwQA=="},
	} {
		var got string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Get("Authorization")
			io.WriteString(w, "{}")
		}))
		defer server.Close()
		s, err := OpenServer(strings.Replace(server.URL, "//", "//"+c.userinfo, 1)+"/?x=1#y", c.login, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ask(t.Context(), s); err != nil || got != c.want {
			t.Errorf("%+v: %q, %v, want %q", c, got, err, c.want)
		}
		if strings.Contains(s.Name(), "@") || s.Name() != server.URL {
			t.Errorf("its name is %s", s.Name())
		}
	}
	for _, bad := range []string{"http://", "http://%zz", "x"} {
		if _, err := OpenServer(bad, Login{}, nil); err == nil {
			t.Errorf("%s is taken for a server", bad)
		}
	}
}

func TestRefused(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"message": "who are you"}`)
	}, nil)
	_, err := ask(t.Context(), s)
	if err == nil || !strings.Contains(err.Error(), "401 Unauthorized (MLFLOW_TRACKING_TOKEN") || !strings.Contains(err.Error(), "who are you") {
		t.Error(err)
	}
}

func TestRetry(t *testing.T) {
	for _, c := range []struct {
		status, fails int // so often before it answers
		want          int // tries; 0 for an error after as many as there were
	}{
		{503, 2, 3}, {429, maxTries - 1, maxTries}, {503, maxTries, 0}, {500, 1, 2}, {500, 2, 0}, {404, 1, 0}, {200, 2, 3},
	} {
		var tries atomic.Int32
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if int(tries.Add(1)) > c.fails {
				io.WriteString(w, `{"experiments": [{"experiment_id": 7, "name": "e"}]}`)
				return
			}
			w.Header().Set("Content-Length", "100") // of which not all comes
			w.WriteHeader(c.status)
			io.WriteString(w, `{"experiments": [`)
		}, nil)
		names, err := ask(t.Context(), s)
		if c.want == 0 && (err == nil || int(tries.Load()) > c.fails) || c.want != 0 && (err != nil || len(names) != 1 || int(tries.Load()) != c.want) {
			t.Errorf("%+v: %q, %v after %d", c, names, err, tries.Load())
		}
	}
}

func TestNoAnswer(t *testing.T) {
	for body, want := range map[string]string{
		"<html>": "no answer of MLflow's", `{"experiments": 3}`: "no answer of MLflow's", `{"experiments": [{"name": {}}]}`: "no answer of MLflow's",
		strings.Repeat(`{"a":`, 20_000): "no answer of MLflow's",
	} {
		var tries atomic.Int32
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) { tries.Add(1); io.WriteString(w, body) }, nil)
		if _, err := ask(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) || tries.Load() != 1 {
			t.Errorf("%.40s: %v after %d", body, err, tries.Load())
		}
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path+"x", http.StatusTemporaryRedirect)
	}, nil)
	if _, err := ask(t.Context(), s); !errors.Is(err, errRedirect) {
		t.Error(err)
	}
}

func TestEndlessPages(t *testing.T) {
	for what, page := range map[string]string{"the same": `{"experiments": [{"name": "e"}], "next_page_token": "a"}`, "empty": `{"next_page_token": "%d"}`} {
		var n atomic.Int32
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, strings.ReplaceAll(page, "%d", fmt.Sprint(n.Add(1))))
		}, nil)
		if _, err := ask(t.Context(), s); !errors.Is(err, errAnswer) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestStall(t *testing.T) {
	var tries atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // after which the end of the request is noticed
		io.WriteString(w, `{"experiments": [`)
		w.(http.Flusher).Flush()
		if tries.Add(1) == 1 {
			<-r.Context().Done() // nothing more comes
			return
		}
		for range 5 { // slow, but it comes
			time.Sleep(500 * time.Millisecond)
			io.WriteString(w, " ")
			w.(http.Flusher).Flush()
		}
		io.WriteString(w, `{"name": "e"}]}`)
	}, nil)
	s.stall = 2 * time.Second
	if names, err := ask(t.Context(), s); err != nil || len(names) != 1 || tries.Load() != 2 {
		t.Errorf("%q, %v after %d", names, err, tries.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	s = serve(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	}, nil)
	if _, err := ask(ctx, s); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestHostileListing has a server that lists what is not below the run.
func TestHostileListing(t *testing.T) {
	var w warnings
	long := strings.Repeat("x", 100_000)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		dir := r.URL.Query().Get("path")
		if dir != "" {
			fmt.Fprintf(w, `{"files": [{"path": "deep", "is_dir": true}, {"path": "%s/..", "is_dir": true}]}`, dir)
			return
		}
		io.WriteString(w, `{"files": [{"path": ".."}, {"path": "../../etc/passwd"}, {"path": "/etc/passwd"}, {"path": "a//b"}, {"path": "."}, {"path": ""},
			{"path": "a\\..\\b", "file_size": 1}, {"path": "`+long+`", "file_size": "9223372036854775807"}, {"path": "neg", "file_size": -7}, {"path": "big", "file_size": 1e300},
			{"path": "fine", "file_size": "12"}, {"path": "sub", "is_dir": true}, {"path": "sub", "is_dir": true}]}`)
	}, w.warn)
	var got []string
	j := &job{Options: Options{Warn: w.warn}, ctx: t.Context(), dst: newStore(t)}
	err := s.Files(t.Context(), &Run{Run: track.Run{RunInfo: track.RunInfo{ID: runA}}}, func(f *File) error {
		got = append(got, fmt.Sprintf("%.5s:%d", f.Path, f.Size))
		return j.countFile(f)
	})
	if err != nil || strings.Join(got, " ") != `a\..\:1 xxxxx:9223372036854775807 neg:-7 big:0 fine:12` {
		t.Errorf("%q, %v", got, err)
	}
	if j.report.Bytes < 0 {
		t.Errorf("%d bytes", j.report.Bytes)
	}
	said := strings.Join(w.list, "\n")
	for _, want := range []string{`lists ".." in`, `lists "/etc/passwd"`, `lists "a//b"`, "is too deep", `the folder ""`} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing says %q: %.2000s", want, said)
		}
	}
	if _, err := j.files("r", "mlflow-artifacts:/1/r/artifacts", false, func(f func(*File) error) error {
		return f(&File{Path: `a\..\b`, Size: 1, Open: func() (io.ReadCloser, error) { return nil, errors.New("is opened") }})
	}); err != nil || !strings.Contains(w.list[len(w.list)-1], "cannot be kept") {
		t.Errorf("%v, %q", err, w.list[len(w.list)-1])
	}
}

// TestManyFiles has a server that lists without end.
func TestManyFiles(t *testing.T) {
	var w warnings
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"files": [{"path": "a", "is_dir": true}, {"path": "b", "is_dir": true}, {"path": "c"}]}`)
	}, w.warn)
	n := 0
	tr := &tree{Server: s, what: "it", left: 100, f: func(*File) error { n++; return nil }}
	tr.list = func(dir string) listing { return listing{path: "/", query: url.Values{}, key: "files"} }
	if err := tr.walk(t.Context(), "", 0); err != nil || n > 100 || len(w.list) != 1 {
		t.Errorf("%v, %d, %q", err, n, w.list)
	}
}

// faulty is a server of MLflow's protocol whose artifacts can be replaced.
func faulty(t *testing.T, artifact func(w http.ResponseWriter, r *http.Request) bool) (*httptest.Server, track.Store) {
	t.Helper()
	store := newStore(t)
	h := mlflow.New(store, mlflow.Options{Temp: t.TempDir()})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, proxy+"/") && artifact(w, r) {
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	run, err := store.CreateRun(t.Context(), track.NewRun{ID: runA, Name: "r", Start: 1})
	if err != nil {
		t.Fatal(err)
	}
	root, _ := track.ArtifactPathOf(run.ArtifactURI)
	for _, name := range []string{"a", "b", "c"} {
		p, err := root.Join(name)
		if err == nil {
			_, err = store.PutArtifact(t.Context(), p, strings.NewReader("text of "+name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return server, store
}

// TestArtifactSizes has a server that sends more or less than it announced.
func TestArtifactSizes(t *testing.T) {
	fault, asked := "", map[string]int{}
	server, _ := faulty(t, func(w http.ResponseWriter, r *http.Request) bool {
		asked[r.URL.Path[len(r.URL.Path)-1:]]++
		if !strings.HasSuffix(r.URL.Path, "/b") || fault == "" {
			return false
		}
		switch fault {
		case "longer":
			for range 1000 {
				io.WriteString(w, strings.Repeat("more", 1000))
			}
		case "shorter":
			io.WriteString(w, "t")
		case "gone":
			w.WriteHeader(http.StatusNotFound)
		case "cut": // once
			fault = ""
			w.Header().Set("Content-Length", "9")
			io.WriteString(w, "text")
		}
		return true
	})
	bring := func(s track.Store) (Report, string) {
		t.Helper()
		var w warnings
		src, err := OpenServer(server.URL, Login{}, w.warn)
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		src.wait = time.Millisecond
		r, err := Import(t.Context(), s, src, Options{Warn: w.warn})
		if err != nil {
			t.Fatal(err)
		}
		return r, strings.Join(w.list, "\n")
	}
	for _, fault = range []string{"longer", "shorter"} {
		s := newStore(t)
		r, said := bring(s)
		if r.Runs != 1 || r.Artifacts != 2 || !strings.Contains(said, `the artifact "b": the server sends more or less`) {
			t.Errorf("%+v %s", r, said)
		}
		fault = ""
		clear(asked)
		if r, said := bring(s); r.Runs != 1 || r.Artifacts != 3 || said != "" || asked["a"] != 0 || asked["b"] != 1 {
			t.Errorf("%+v %s %v", r, said, asked)
		}
		if r, _ := bring(s); r != (Report{Present: 1}) {
			t.Errorf("%+v", r)
		}
	}
	fault = "gone"
	s := newStore(t)
	if r, said := bring(s); r.Artifacts != 2 || !strings.Contains(said, "404 Not Found") {
		t.Errorf("%+v %s", r, said)
	}
	if r, _ := bring(s); r != (Report{Present: 1}) {
		t.Errorf("what is gone is asked for again: %+v", r)
	}
	fault = "cut"
	s = newStore(t)
	if r, said := bring(s); r.Artifacts != 3 || said != "" || contents(t, s, "mlflow-artifacts:/0/"+runA+"/artifacts", "b") != "text of b" {
		t.Errorf("%+v %s", r, said)
	}
}

// TestOtherSource has what an import of another source left: what is not on this
// machine is asked for again.
func TestOtherSource(t *testing.T) {
	asked := 0
	server, _ := faulty(t, func(http.ResponseWriter, *http.Request) bool { asked++; return false })
	s := newStore(t)
	n := track.NewRun{ID: runA, Name: "r", Tags: []track.Tag{{Key: UnfinishedTag, Value: "elsewhere"}}}
	run, err := s.CreateRun(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	root, _ := track.ArtifactPathOf(run.ArtifactURI)
	p, _ := root.Join("a")
	if _, err := s.PutArtifact(t.Context(), p, strings.NewReader("TEXT OF a")); err != nil {
		t.Fatal(err)
	}
	src, err := OpenServer(server.URL, Login{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := Import(t.Context(), s, src, Options{}); err != nil || r.Artifacts != 3 || asked != 3 {
		t.Errorf("%+v, %v, asked %d times", r, err, asked)
	}
	if got := contents(t, s, run.ArtifactURI, "a"); got != "text of a" {
		t.Errorf("it is %q", got)
	}
}
