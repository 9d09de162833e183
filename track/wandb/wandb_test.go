package wandb

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/track"
)

// TestExecutor reads queries as strict servers do, but for what they do not know.
func TestExecutor(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.begin("p", "r", `{"lr":{"value":0.1}}`)
	for _, c := range []struct{ query, want string }{
		{`{ viewer { entity, nonsense } }`, `{"data":{"viewer":{"entity":"local","nonsense":null}}}`},
		{`query($yes: Boolean = true, $no: Boolean) { a: viewer { entity @include(if: $yes) id @skip(if: $yes) email @include(if: $no) } }`, `{"data":{"a":{"entity":"local"}}}`},
		// Two fragments ask for parts of the same lists.
		{`{ project(name: "p") { ...A ... on Project { runs { edges { node { state } } } } } } fragment A on Project { runs { edges { node { name } } } }`,
			`{"data":{"project":{"runs":{"edges":[{"node":{"name":"r","state":"running"}}]}}}}`},
		{`{ project(name: "p") { run(name: "r") { ... on User { email } ... on RunInfo { name } __typename } } }`, `{"data":{"project":{"run":{"__typename":"Run","name":"r"}}}}`},
		{`{ project(name: "p") { run(name: "other") { name } } }`, `{"data":{"project":{"run":null}}}`},
		{`{ __type(name: "Nothing") { name } }`, `{"data":{"__type":null}}`},
		{`mutation { upsertSweep(input: {}) { sweep { id } } }`, `{"data":null,"errors":[{"message":"xt does not know the mutation upsertSweep: the client is newer than what xt was made for, or asks for a part of W\u0026B that xt does not stand in for","path":["upsertSweep"]}]}`},
	} {
		if got := s.ask(c.query, nil); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.query, got, c.want)
		}
	}
	// What cannot be read is refused, and so is what would take for ever.
	bomb := "{ viewer { ...f0 } }"
	for i := range 40 {
		bomb += fmt.Sprintf(" fragment f%d on User { ...f%d ...f%d }", i, i+1, i+1)
	}
	for _, query := range []string{"{", "", "{ a(", bomb + " fragment f40 on User { id }", "{ viewer { ...loop } } fragment loop on User { ...loop }", "{ viewer { ...gone } }", "subscription { x }"} {
		if status, body := s.send("POST", "/graphql", fmt.Sprintf(`{"query":%q}`, query)); !strings.Contains(body, `"errors":[`) {
			t.Errorf("%.50s: %d %s", query, status, body)
		}
	}
}

// TestStream takes lines by their numbers, so that a chunk may come again.
func TestStream(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := s.begin("p", "r", `{"lr":{"value":0.1},"nan":{"value":NaN},"net":{"value":{"layers":2}}}`)
	first := `{"files":{"wandb-history.jsonl":{"offset":0,"content":["{\"_step\":0,\"_timestamp\":1700000000.5,\"loss\":1,\"deep\":{\"x\":2},\"word\":\"w\"}","{\"_step\":3,\"loss\":NaN}","broken"]}}}`
	s.stream("p", "r", first)
	s.stream("p", "r", first)
	s.stream("p", "r", `{"files":{"wandb-history.jsonl":{"offset":2,"content":["{\"_step\":4,\"loss\":\"Infinity\"}"]},"wandb-events.jsonl":{"offset":0,"content":["{\"system.cpu\":7}"]},
		"output.log":{"offset":0,"content":["2026-01-01T00:00:00.000000 one","ERROR 2026-01-01T00:00:00.000000 two"]},"wandb-summary.json":{"offset":0,"content":["{\"loss\":NaN,\"best\":0.5}"]},
		"other":{"offset":0,"content":["x"]}}}`)
	s.stream("p", "r", "")
	s.stream("p", "r", `{"files":null,"complete":true,"exitcode":3}`)
	r = s.run("p", "r")
	if r.Status != track.Failed || r.End == 0 {
		t.Errorf("%s, %d", r.Status, r.End)
	}
	want := []track.Param{{Key: "lr", Value: "0.1"}, {Key: "nan", Value: "NaN"}, {Key: "net.layers", Value: "2"}}
	if diff := cmp.Diff(want, r.Params); diff != "" {
		t.Error(diff)
	}
	page, err := s.store.MetricHistory(t.Context(), track.HistoryQuery{RunID: r.ID, Key: "loss"})
	if err != nil || len(page.Items) != 3 {
		t.Errorf("%v, %v", page.Items, err)
	}
	var keys []string
	for _, m := range r.Metrics {
		keys = append(keys, m.Key)
	}
	if got := strings.Join(keys, " "); got != "best deep.x loss system/cpu" {
		t.Error(got)
	}
	answer := s.ask(`{ project(name: "p") { run(name: "r") { state historyLineCount logLineCount history(minStep: 1, maxStep: 4) sampledHistory(specs: ["{\"keys\":[\"_step\",\"loss\"],\"samples\":10}"]) summaryMetrics } } }`, nil)
	if want := `{"data":{"project":{"run":{"history":["{\"_step\":3,\"loss\":NaN}"],"historyLineCount":3,"logLineCount":2,"sampledHistory":[[{"_step":0,"loss":1},{"_step":3,"loss":"NaN"},{"_step":4,"loss":"Infinity"}]],"state":"failed","summaryMetrics":"{\"loss\":NaN,\"best\":0.5}"}}}}`; answer != want {
		t.Errorf("got %s\nwant %s", answer, want)
	}
	if _, body := s.download(t, "p", "r", "output.log"); body != "one\ntwo\n" {
		t.Errorf("%q", body)
	}
}

// download returns a file of a run as clients fetch it.
func (s *testServer) download(t *testing.T, project, run, name string) (int, string) {
	t.Helper()
	return s.send("GET", s.address(t, fmt.Sprintf(`{ project(name: %q) { run(name: %q) { files(names: [%q]) { edges { node { directUrl } } } } } }`, project, run, name)), "")
}

// address returns the address in the answer to a query.
func (s *testServer) address(t *testing.T, query string) string {
	t.Helper()
	m := regexp.MustCompile(`http://[^"]*`).FindString(s.ask(query, nil))
	if m == "" {
		t.Fatalf("%s: no address", query)
	}
	return m
}

// TestAddresses are good for what they were made for, and nothing else.
func TestAddresses(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.begin("p", "r", "{}")
	up := s.address(t, `mutation { createRunFiles(input: {projectName: "p", runName: "r", files: ["a b/ü.txt"]}) { files { uploadUrl } } }`)
	if status, body := s.send("PUT", up, "hello"); status != http.StatusOK {
		t.Fatalf("%d: %s", status, body)
	}
	if status, body := s.download(t, "p", "r", "a b/ü.txt"); status != http.StatusOK || body != "hello" {
		t.Errorf("%d: %s", status, body)
	}
	mac := strings.Split(strings.TrimPrefix(up, s.URL), "/")[3]
	for _, url := range []string{
		strings.Replace(up, mac, strings.Repeat("0", len(mac)), 1), strings.Replace(up, ".txt", ".txu", 1), strings.Replace(up, "a%20b", "a%20b/..", 1),
		regexp.MustCompile(`/(\d{10})/`).ReplaceAllString(up, "/9$1/"),
	} {
		if status, _ := s.send("PUT", url, "other"); status < 400 {
			t.Errorf("%s: %d", url, status)
		}
	}
	if status, _ := s.send("GET", up, ""); status < 400 {
		t.Errorf("an address for uploads gives a file: %d", status)
	}
	for _, name := range []string{"../x", "/etc/passwd", "a//b", `a\b`} {
		if body := s.ask(fmt.Sprintf(`mutation { createRunFiles(input: {projectName: "p", runName: "r", files: [%q]}) { files { uploadUrl } } }`, name), nil); !strings.Contains(body, "errors") {
			t.Errorf("%s: %s", name, body)
		}
	}
}

// TestBodies bounds what clients send, compressed or not.
func TestBodies(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.begin("p", "r", "{}")
	packed := func(b []byte) string {
		var buf bytes.Buffer
		w := gzip.NewWriter(&buf)
		_, _ = w.Write(b)
		_ = w.Close()
		return buf.String()
	}
	url := "/files/local/p/r/file_stream"
	if status, body := s.send("POST", url, packed([]byte(`{"files":{"wandb-history.jsonl":{"offset":0,"content":["{\"_step\":0,\"x\":1}"]}}}`)), "Content-Encoding: gzip"); status != http.StatusOK {
		t.Errorf("%d: %s", status, body)
	}
	for name, c := range map[string][]string{
		"bomb":     {packed(bytes.Repeat([]byte(" "), maxBody+2)), "Content-Encoding: gzip"},
		"no gzip":  {"{}", "Content-Encoding: gzip"},
		"unknown":  {"{}", "Content-Encoding: zstd"},
		"no JSON":  {"{"},
		"negative": {`{"files":{"wandb-history.jsonl":{"offset":-1,"content":["{}"]}}}`},
	} {
		if status, body := s.send("POST", url, c[0], c[1:]...); status < 400 || status >= 500 {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if status, _ := s.send("POST", "/files/local/p/none/file_stream", "{}"); status != http.StatusNotFound {
		t.Errorf("a run that is not there: %d", status)
	}
}

// TestDigest refuses a file of an artifact that is not what was said.
func TestDigest(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.begin("p", "r", "{}")
	ask := `mutation { createArtifactFiles(input: {artifactFiles: [{artifactID: "x", name: "a", md5: "XUFAKrxLKna5cZ2REBfFkg=="}]}) { files { edges { node { uploadUrl } } } } }`
	up := s.address(t, ask)
	if status, _ := s.send("PUT", up, "other"); status < 400 {
		t.Errorf("other bytes: %d", status)
	}
	if body := s.ask(ask, nil); strings.Contains(body, `"uploadUrl":null`) {
		t.Error("other bytes were stored")
	}
	if status, body := s.send("PUT", s.address(t, ask), "hello"); status != http.StatusOK {
		t.Errorf("%d: %s", status, body)
	}
	if body := s.ask(ask, nil); !strings.Contains(body, `"uploadUrl":null`) {
		t.Errorf("it is wanted twice: %s", body)
	}
}

// TestSilence ends runs that nobody hears of, and opens them again if somebody does.
func TestSilence(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.begin("p", "old", "{}")
	kept, err := s.handler.loadRun(t.Context(), newRunName("", "p", "old"))
	if err != nil {
		t.Fatal(err)
	}
	kept.Heartbeat -= 2 * silence.Milliseconds()
	if err := s.handler.saveRun(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	s.handler.swept = time.Time{}
	s.begin("p", "new", "{}")
	if r := s.run("p", "old"); r.Status != track.Failed || r.End != kept.Heartbeat {
		t.Errorf("%s, %d", r.Status, r.End)
	}
	ask := `{ project(name: "p") { runs(order: "display_name", filters: "{\"state\":\"crashed\"}") { edges { node { name } } } } }`
	if body := s.ask(ask, nil); !strings.Contains(body, `"old"`) || strings.Contains(body, `"new"`) {
		t.Errorf("%s", body)
	}
	s.stream("p", "old", "{}")
	if r := s.run("p", "old"); r.Status != track.Running {
		t.Errorf("%s", r.Status)
	}
}

// TestSilentWriter goes on with the run of a process that was silent for long, and makes
// another where a new one uses its name.
func TestSilentWriter(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const old, new = `{"_wandb":{"value":{"e":{"01a":{}}}}}`, `{"_wandb":{"value":{"e":{"01b":{}}}}}`
	s.begin("p", "r", old)
	s.stream("p", "r", `{"files":{"wandb-history.jsonl":{"offset":0,"content":["{\"_step\":0,\"a\":1}"]}}}`)
	first := s.run("p", "r").ID
	begin := func(config string) string {
		kept, err := s.handler.loadRun(t.Context(), newRunName("", "p", "r"))
		if err != nil {
			t.Fatal(err)
		}
		kept.State = crashed
		if err := s.handler.saveRun(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		return s.begin("p", "r", config).ID
	}
	if again := begin(old); again != first {
		t.Errorf("the process went on with %s, not %s", again, first)
	}
	if begin(new) == first {
		t.Error("another process goes on with the run")
	}
}

// TestStop tells the client of a run to end it, until it goes on again.
func TestStop(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.begin("p", "r", "{}")
	told := func() string {
		_, body := s.send("POST", "/files/local/p/r/file_stream", `{}`)
		return body
	}
	ask := fmt.Sprintf(`mutation { stopRun(input: {id: %q}) { success } }`, newRunName("", "p", "r").id())
	if got := told() + s.ask(ask, nil) + told(); got != `{"stopped":false}{"data":{"stopRun":{"success":true}}}{"stopped":true}` {
		t.Error(got)
	}
	s.stream("p", "r", `{"complete":true,"exitcode":0}`)
	s.begin("p", "r", "{}")
	if got := told(); got != `{"stopped":false}` {
		t.Error(got)
	}
	s.stream("p", "r", `{"complete":true,"exitcode":0}`)
	if got := s.ask(ask, nil); got != `{"data":{"stopRun":{"success":false}}}` {
		t.Error(got)
	}
}

// TestAlerts keeps all of them.
func TestAlerts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.begin("p", "r", "{}")
	for _, alert := range []string{`title: "a", text: "b"`, `title: "c", text: "d", severity: "ERROR"`, `title: "a", text: "b", severity: "INFO"`} {
		s.ask(`mutation { notifyScriptableRunAlert(input: {projectName: "p", runName: "r", `+alert+`}) { success } }`, nil)
	}
	var got []string
	for _, tag := range s.run("p", "r").Tags {
		if strings.HasPrefix(tag.Key, alertTag) {
			got = append(got, tag.Key+"="+tag.Value)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"wandb.alert.2=ERROR: c: d", "wandb.alert.3=a: b", "wandb.alert=a: b"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestGone makes a run again that was purged, and does not list those that were
// deleted.
func TestGone(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	first := s.begin("p", "r", "{}")
	if err := s.store.DeleteRun(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if body := s.ask(`{ project(name: "p") { runs { edges { node { name } } } runCount } }`, nil); body != `{"data":{"project":{"runCount":0,"runs":{"edges":[]}}}}` {
		t.Errorf("%s", body)
	}
	if err := s.store.PurgeRun(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if again := s.begin("p", "r", "{}"); again.ID == first.ID || again.Status != track.Running {
		t.Errorf("%+v", again)
	}
}

// TestProcesses has two servers of one store change the same thing: one of them has
// to come again, and nothing is lost.
func TestProcesses(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	other := New(s.store, Options{})
	s.begin("p", "r", "{}")
	mine, err := s.handler.loadRun(t.Context(), newRunName("", "p", "r"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := other.upsert(t.Context(), mine.runName, changes{notes: new("theirs")}); err != nil {
		t.Fatal(err)
	}
	mine.Group = "mine"
	if err := s.handler.saveRun(t.Context(), mine); track.CodeOf(err) != track.Unavailable {
		t.Errorf("%v", err)
	}
	a, err := s.handler.key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b, err := other.key(t.Context()); err != nil || !bytes.Equal(a, b) {
		t.Errorf("they sign with other keys: %v", err)
	}
}

// TestKeys takes names that the store has no place for: a client that is refused what
// it logs sends nothing more.
func TestKeys(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.begin("p", "r", `{"a//b":{"value":1},"..":{"value":2},"/":{"value":3},"":{"value":4},"x\u0000y":{"value":"z\u0000"}}`)
	s.stream("p", "r", `{"files":{"wandb-history.jsonl":{"offset":0,"content":["{\"_step\":0,\"a//b\":1,\"./c\":2,\"/\":3,\"\":4,\"d?e\":5}"]}}}`)
	r := s.run("p", "r")
	var keys []string
	for _, m := range r.Metrics {
		keys = append(keys, m.Key)
	}
	if got := strings.Join(keys, " "); got != "a/b c d_e" || len(r.Params) != 3 {
		t.Errorf("%s, %v", got, r.Params)
	}
}

// TestPage sends people on from the address that a client prints.
func TestPage(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{"/local/p/runs/abc": "/?q=tags.wandb.id+%3D+%27abc%27&view=runs", "/local/p/runs/a'b": "", "/local/p": "", "/a/b/files/c": ""} {
		r := httptest.NewRequest("GET", at, nil)
		w := httptest.NewRecorder()
		if Owns(r) {
			New(nil, Options{}).ServeHTTP(w, r)
		}
		if got := w.Header().Get("Location"); got != want {
			t.Errorf("%s: %d %s", at, w.Code, got)
		}
	}
}

func FuzzQuery(f *testing.F) {
	s := newServer(f)
	s.begin("p", "r", "{}")
	for _, q := range []string{
		`query A($a: Int = 3) { project(name: "p") { run(name: "r") { ...F history(samples: $a) } } } fragment F on Run { id @skip(if: false) }`,
		`mutation { upsertBucket(input: {name: "x", config: "{}", tags: ["a"], summaryMetrics: "{}"}) { inserted bucket { id } } }`,
		`{ project(name: "p") { runs(filters: "{\"config.lr\":{\"$gt\":1}}", order: "-created_at", first: 3, after: "1") { edges { node { files { edges { node { url(upload: true) } } } } } } } }`,
		`{ __type(name: "CreateArtifactInput") { inputFields { name } } }`,
	} {
		f.Add(q, `{"a":1}`)
	}
	f.Fuzz(func(t *testing.T, query, vars string) {
		b, err := json.Marshal(map[string]any{"query": query, "variables": json.RawMessage(vars)})
		if err != nil {
			return
		}
		if status := s.serve("/graphql", string(b)); status >= http.StatusInternalServerError {
			t.Errorf("%d", status)
		}
	})
}

func FuzzStream(f *testing.F) {
	s := newServer(f)
	s.begin("p", "r", "{}")
	f.Add(`{"files":{"wandb-history.jsonl":{"offset":0,"content":["{\"_step\":0,\"x\":NaN,\"y\":{\"z\":[1]}}"]},"wandb-summary.json":{"offset":0,"content":["{}"]}},"complete":true,"exitcode":0}`)
	f.Add(`{"files":{"output.log":{"offset":7,"content":["ERROR 2026-01-01T00:00:00 x"]},"wandb-events.jsonl":{"offset":0,"content":["{\"system.gpu\":1e308}"]}}}`)
	f.Fuzz(func(t *testing.T, chunk string) {
		if status := s.serve("/files/local/p/r/file_stream", chunk); status >= http.StatusInternalServerError {
			t.Errorf("%d", status)
		}
	})
}

func FuzzFilter(f *testing.F) {
	for _, text := range []string{`{"config.lr":{"$gt":0.1,"$lte":3}}`, `{"$or":[{"state":"running"},{"$not":{"tags":{"$in":["a"]}}}]}`, `{"display_name":{"$regex":"^a"},"created_at":{"$gt":"2020-01-01"}}`, `{"tags":{"$all":["a"],"$size":1,"$elemMatch":{"$ne":"b"}},"display_name":{"$regex":"A","$options":"i"}}`} {
		f.Add(text)
	}
	x := &candidate{run: &run{State: running, Tags: []string{"a"}, Config: []byte(`{"lr":{"value":1}}`)}, summary: map[string]any{"a": 1.0}}
	f.Fuzz(func(t *testing.T, text string) {
		if filter, err := parseFilter(text); err == nil {
			filter.matches(x)
		}
	})
}
