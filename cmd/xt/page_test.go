package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/access"
	"github.com/xtrepro/xt/track/sql"
)

// Names as nobody should choose them.
var hostile = []string{
	`<img src=x onerror="alert(1)">`, `"><script>alert(2)</script>`, `javascript:alert(3)`, "שלום \u202eevil\u202c مرحبا", strings.Repeat("long", 100), "a`b\"c'd", "${alert(4)}", "\u0000\ufffe\t nothing",
}

// runStore opens the store of a server that runs, as another process would.
func runStore(t *testing.T, file, artifacts string) *sql.Store {
	t.Helper()
	c, err := cache.Open(artifacts, cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := sql.Open(context.Background(), file, sql.Options{Cache: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (s *served) store(t *testing.T) *sql.Store {
	t.Helper()
	return runStore(t, filepath.Join(s.dir, "runs.db"), filepath.Join(s.dir, "runs.db.artifacts"))
}

// seeder puts runs into a store.
type seeder struct {
	t *testing.T
	*sql.Store
}

func (s seeder) run(n track.NewRun, b track.Batch) string {
	s.t.Helper()
	r, err := s.CreateRun(s.t.Context(), n)
	if err == nil {
		err = s.LogBatch(s.t.Context(), r.ID, b)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return r.ID
}

func (s seeder) end(id string, status track.Status) {
	s.t.Helper()
	if _, err := s.UpdateRun(s.t.Context(), id, track.RunUpdate{Status: status, End: time.Now().UnixMilli()}); err != nil {
		s.t.Fatal(err)
	}
}

func (s seeder) artifact(id, name, content string) {
	s.t.Helper()
	r, err := s.Run(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	root, _ := track.ArtifactPathOf(r.ArtifactURI)
	p, err := root.Join(name)
	if err == nil {
		_, err = s.PutArtifact(s.t.Context(), p, strings.NewReader(content))
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// fallingCurve makes points of a curve that falls.
func fallingCurve(key string, n int) []track.Metric {
	points := make([]track.Metric, n)
	for i := range points {
		points[i] = track.Metric{Key: key, Value: math.Exp(-float64(i) / float64(n)), Step: int64(i), Time: 1_790_000_000_000 + int64(i)*1000}
	}
	return points
}

// sweep puts in finished runs, of which those of a greater rate are better.
func (s seeder) sweep(n int) (ids []string) {
	s.t.Helper()
	now := time.Now().UnixMilli()
	for i := range n {
		rate := float64(i+1) / 1000
		id := s.run(track.NewRun{Name: fmt.Sprintf("trial-%d", i), User: "ann", Start: now - int64(n-i)*1000,
			Params: []track.Param{{Key: "lr", Value: fmt.Sprint(rate)}, {Key: "optimizer", Value: []string{"adam", "sgd"}[i%2]}}, Tags: []track.Tag{{Key: "sweep", Value: "first"}}},
			track.Batch{Metrics: append(fallingCurve("loss", 60), track.Metric{Key: "accuracy", Value: 0.5 + rate})})
		s.end(id, track.Finished)
		ids = append(ids, id)
	}
	return ids
}

func TestPageRuns(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	s := startServe(t)
	store := seeder{t, s.store(t)}
	tb := openTab(t, browser, s.url, "/", "status of 400")
	tb.sees("No runs yet")
	tb.sees("xt run -- python train.py")
	// What the header names is asked for once, before scripts are there.
	for _, name := range []string{"session", "experiments", "runs?max=100"} {
		if how := tb.js("performance.getEntriesByType('resource').filter(e => e.name.endsWith('/ui/api/" + name + "')).map(e => e.initiatorType).join()"); how != "link" {
			t.Errorf("%s is asked for by %q", name, how)
		}
	}
	ids := store.sweep(250)
	tb.sees("trial-249") // by itself
	tb.wait("document.querySelector('.total').textContent === '250 runs'")

	// The table holds what is in sight, and the rest where it is scrolled to.
	if n := tb.js("document.querySelectorAll('.runs tbody tr').length"); len(n) > 2 {
		t.Errorf("there are %s rows for 250 runs", n)
	}
	tb.js("document.querySelector('.scroller').scrollTop = 1e6")
	tb.sees("trial-0")
	tb.js("document.querySelector('.scroller').scrollTop = 0")

	// What is typed is completed, and searched for.
	tb.do(chromedp.SendKeys(".filter", "params.opt"))
	tb.wait("[...document.querySelectorAll('[role=option]')].some(o => o.textContent === 'params.optimizer')")
	tb.do(chromedp.SendKeys(".filter", kb.ArrowDown+kb.Enter), chromedp.SendKeys(".filter", "= "))
	tb.wait("[...document.querySelectorAll('[role=option]')].some(o => o.textContent === \"'sgd'\")")
	tb.do(chromedp.SendKeys(".filter", "'sgd' AND metrics.accuracy > 0.74"+kb.Enter))
	tb.wait("document.querySelector('.total').textContent === '5 runs'")
	if at := tb.js("new URLSearchParams(location.search).get('q')"); at != "params.optimizer = 'sgd' AND metrics.accuracy > 0.74" {
		t.Errorf("the address says %q", at)
	}
	tb.js("{ const f = document.querySelector('.filter'); f.value = 'metrics.accuracy > maybe'; f.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'})); }")
	tb.wait("document.querySelector('.says').textContent.includes('numeric value')")

	// An address holds all that is shown.
	tb.goTo("/?q=trial-1&sort=metrics.accuracy+ASC&group=params.optimizer&col=name&col=metrics.accuracy&sel=" + ids[1])
	tb.sees("sgd")
	tb.wait("document.querySelector('.total').textContent === '111 runs'")
	tb.wait("document.querySelectorAll('thead th').length === 3")
	tb.wait("document.querySelector('[aria-sort=ascending]').textContent.includes('accuracy')")
	tb.click(".group button", "sgd")
	tb.sees("Compare 1")

	// The keyboard does it, too.
	tb.goTo("/")
	tb.sees("trial-249")
	tb.do(chromedp.KeyEvent("j"), chromedp.KeyEvent("x"), chromedp.KeyEvent("j"), chromedp.KeyEvent("x"))
	tb.sees("Compare 2")
	// Where the row of the keyboard is scrolled away, it goes on from there.
	tb.js("document.querySelector('.scroller').scrollTop = 1e6")
	tb.wait("document.activeElement.matches('.scroller') && document.querySelectorAll('.runs tbody tr.at').length === 0")
	tb.js("document.querySelector('.scroller').scrollTop = 0")
	tb.wait("document.activeElement.textContent === 'trial-248'")
	tb.js("document.querySelector('.scroller').scrollTop = 1e6")
	tb.wait("document.activeElement.matches('.scroller')")
	tb.do(chromedp.KeyEvent("j"))
	tb.wait("document.activeElement.textContent === 'trial-247' && document.activeElement.getBoundingClientRect().top > document.querySelector('.runs thead').getBoundingClientRect().bottom")
	tb.js("[...document.querySelectorAll('.runs .pick input')].at(7).focus()") // of the seventh run
	tb.do(chromedp.KeyEvent("k"))
	tb.wait("document.activeElement.textContent === 'trial-244'")
	tb.do(chromedp.KeyEvent("c"))
	tb.wait("document.querySelectorAll('.u-wrap canvas').length === 2")
	tb.click(".tabs a", "Differences")
	tb.sees("optimizer")
	tb.goTo("/?view=compare&tab=importance&y=accuracy")
	tb.wait("document.querySelector('.bars tbody th').textContent === 'lr'")
	for _, view := range []string{"parallel", "scatter"} {
		tb.goTo("/?view=compare&tab=" + view)
		tb.wait("document.querySelector('.drawing canvas')?.height > 100")
	}
	tb.sees("250 runs with both")
}

func TestPageHostile(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	s := startServe(t)
	store := seeder{t, s.store(t)}
	now := time.Now().UnixMilli()
	var ids []string
	for i, name := range hostile {
		clean := track.CleanKey(name)
		exp, err := store.CreateExperiment(t.Context(), track.NewExperiment{Name: fmt.Sprint(i, name)})
		if err != nil {
			t.Fatal(err)
		}
		id := store.run(track.NewRun{Experiment: exp, Name: name, User: name, Start: now + int64(i)}, track.Batch{
			Params:  []track.Param{{Key: clean, Value: name}, {Key: "huge", Value: strings.Repeat("x", 6000)}},
			Tags:    []track.Tag{{Key: "sweep", Value: name}, {Key: "mlflow.note.content", Value: name}},
			Metrics: []track.Metric{{Key: clean, Value: math.NaN(), Step: 1}, {Key: clean, Value: math.NaN(), Step: 2}, {Key: "inf", Value: math.Inf(1)}, {Key: "far", Value: -1e300, Step: math.MaxInt64}},
		})
		ids = append(ids, id)
		if strings.ContainsAny(name, "\\\x00") {
			continue
		}
		store.artifact(id, strings.Trim(strings.ReplaceAll(name, "/", "_"), " ")+".html", `<script>parent.alert(5)</script><img src="http://192.0.2.1/x" onerror="alert(6)"><h1>an artifact</h1>`)
	}
	// Of the artifact's own script and picture nothing comes.
	tb := openTab(t, browser, s.url, "/?group=tags.sweep", "Blocked script execution in 'about:srcdoc'", "Blocked script execution", "violates the following Content Security Policy directive: \"default-src 'none'\"", "violates the following Content Security Policy directive: \"img-src data:\"")
	tb.resize(360)
	tb.wait("document.querySelectorAll('.group').length === " + fmt.Sprint(len(hostile)))
	tb.goTo("/")
	tb.sees("NaN")
	all := "run=" + strings.Join(ids, "&run=")
	for _, view := range []string{"curves", "parallel", "scatter", "importance", "diff"} {
		tb.goTo("/?view=compare&tab=" + view + "&" + all)
		tb.sees("8 runs")
		tb.wait("document.querySelector('.tabbody').children.length > 0")
		tb.fits(view)
	}
	for i, id := range ids {
		tb.goTo("/?view=run&id=" + id)
		tb.wait("document.querySelector('h1')?.textContent.trim() !== ''")
		tb.sees("Parameters")
		tb.fits(id)
		if i > 2 {
			continue
		}
		tb.goTo("/?view=run&tab=curves&id=" + id)
		tb.sees("No value is a number.")
		tb.goTo("/?view=run&tab=artifacts&id=" + id)
		tb.click(".tree button", ".html")
		tb.wait("document.querySelector('iframe')")
		tb.fits("artifacts")
	}
	if tb.js("document.querySelectorAll('img, main script').length") != "0" {
		t.Error("a name has become markup")
	}
	for address, says := range map[string]string{
		"/?view=run&id=%3Cb%3E": "There is no run", "/?view=nonsense": "There is no such view", "/?exp=99": "There is no such experiment", "/?view=run&tab=x&id=" + ids[0]: "no such part",
		"/?view=compare&run=none": "No runs to compare", "/?view=traces&trace=none": "There is no trace none", "/?view=pipeline": "No project here", "/?view=models": "No models yet", "/?view=prompts": "No prompts yet",
	} {
		tb.expected = append(tb.expected, "status of 404")
		tb.goTo(address)
		tb.sees(says)
	}
}

func TestPageRun(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	s := startServe(t)
	store := seeder{t, s.store(t)}
	now := time.Now().UnixMilli()
	id := store.run(track.NewRun{Name: "parent", Start: now, User: "ann", Params: []track.Param{{Key: "lr", Value: "0.1"}}}, track.Batch{
		Metrics: append(fallingCurve("loss", 100), track.Metric{Key: "system/cpu", Value: 30}, track.Metric{Key: "system/cpu", Value: 40, Step: 1})})
	store.run(track.NewRun{Name: "a child", Start: now, Tags: []track.Tag{{Key: track.ParentRunTag, Value: id}}}, track.Batch{Metrics: fallingCurve("loss", 5)})
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 30, 20))); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"picture.png": picture.String(), "broken.png": "\x89PNG no picture", "deep/table.csv": "name,\"the value\"\nann,1.5\n\"b\"\"ob\n\",2\n", "media/table/predictions.table.json": `{"columns":["input","score"],"data":[["hello",0.25]]}`,
		"notes.txt": "some notes", "conf.json": `{"a":{"b":[1,2,"three"]}}`, "bad.json": "{", "model.pkl": "\x80\x04", "empty.txt": "", "sound.wav": "RIFF",
	} {
		store.artifact(id, name, content)
	}
	spans(t, store, id)
	tb := openTab(t, browser, s.url, "/?view=run&id="+id)
	tb.sees("parent")
	tb.sees("0.1")
	for _, c := range []struct{ path, want string }{
		{"picture.png", "document.querySelector('.preview img')?.naturalWidth === 30"},
		{"broken.png", "document.querySelector('.preview [role=alert]')?.textContent.includes('broken')"},
		{"deep/table.csv", "[...document.querySelectorAll('.cells td')].map(e => e.textContent).join('|') === 'ann|1.5|b\"ob\\n|2'"},
		{"media/table/predictions.table.json", "[...document.querySelectorAll('.cells th, .cells td')].map(e => e.textContent).join('|') === 'input|score|hello|0.25'"},
		{"notes.txt", "document.querySelector('.preview pre')?.textContent === 'some notes'"},
		{"conf.json", "document.querySelector('.json')?.textContent.includes('three')"},
		{"bad.json", "document.querySelector('.preview')?.textContent.includes('not the JSON')"},
		{"model.pkl", "document.querySelector('.preview')?.textContent.includes('No preview')"},
		{"empty.txt", "document.querySelector('.preview')?.textContent.includes('empty')"},
		{"sound.wav", "document.querySelector('.preview audio, .preview [role=alert]')"},
	} {
		tb.goTo("/?view=run&tab=artifacts&id=" + id + "&path=" + c.path)
		tb.wait(c.want)
	}
	tb.goTo("/?view=run&tab=curves&id=" + id)
	tb.wait("document.querySelectorAll('.u-wrap canvas').length === 1")
	tb.click(".tabs a", "Media")
	tb.wait("[...document.querySelectorAll('.cells td')].some(e => e.textContent === 'hello')")
	tb.click(".tabs a", "System")
	tb.sees("system/cpu")
	tb.click(".tabs a", "Nested runs")
	tb.sees("a child")
	tb.click(".tabs a", "Log")
	tb.sees("No output yet")
	tb.click(".tabs a", "Origin and proof")
	tb.sees("Nothing is known of how this run was made")
	tb.click(".tabs a", "Traces")
	tb.click(".list th a", "answer")
	tb.wait("document.querySelector('.by-user')?.textContent.includes('What is 6 times 7?') && document.querySelector('.by-assistant')?.textContent.includes('It is 42.')")
	if err := store.DeleteExperiment(t.Context(), 0); err == nil {
		tb.goTo("/?exp=0")
		tb.sees("This experiment was deleted")
		tb.click(".empty button", "Show deleted runs")
		tb.sees("a child")
	}
}

// spans logs a conversation with a model.
func spans(t *testing.T, store seeder, run string) {
	t.Helper()
	const trace = "tr-00000000000000000000000000000001"
	content := `{"name":"chat","attributes":{"mlflow.spanInputs":"{\"messages\":[{\"role\":\"system\",\"content\":\"Be short.\"},{\"role\":\"user\",\"content\":\"What is 6 times 7?\"}]}","mlflow.spanOutputs":"{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"It is 42.\"}}]}"}}`
	_, err := store.PutTrace(t.Context(), track.TraceInfo{ID: trace, State: "OK", RequestTime: time.Now().UnixMilli(), Duration: 12, RequestPreview: "6 times 7", Tags: []track.Tag{{Key: "mlflow.traceName", Value: "answer"}}, Metadata: []track.Tag{{Key: "mlflow.sourceRun", Value: run}}})
	if err == nil {
		err = store.PutSpans(t.Context(), 0, []track.Span{{TraceID: trace, ID: "01", Name: "chat", Type: "CHAT_MODEL", Status: "OK", StartNano: 1000, EndNano: 9000, Content: content}})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// While a script logs, all tabs follow, also over a restart of the server.
func TestPageLive(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	s := startServe(t)
	store := seeder{t, s.store(t)}
	id := store.run(track.NewRun{Name: "live", Start: time.Now().UnixMilli()}, track.Batch{Metrics: fallingCurve("loss", 3)})
	table := openTab(t, browser, s.url, "/", awayWords...)
	table.sees("live")
	run := openTab(t, browser, s.url, "/?view=run&id="+id, awayWords...)
	run.sees("running")
	other := store.run(track.NewRun{Name: "another", Start: time.Now().UnixMilli()}, track.Batch{Metrics: fallingCurve("loss", 9)})
	differences := openTab(t, browser, s.url, "/?view=compare&tab=diff&run="+id+"&run="+other, awayWords...)
	differences.sees("another")
	log := func(step int64) {
		if err := store.LogMetric(t.Context(), id, track.Metric{Key: "loss", Value: 0.125 + float64(step), Step: step, Time: time.Now().UnixMilli()}); err != nil {
			t.Fatal(err)
		}
	}
	log(100)
	for _, tb := range []*tab{table, run, differences} {
		tb.sees("100.13")
	}
	s.stop()
	<-s.code
	run.sees("The server does not answer")
	log(200)
	startServeIn(t, s.dir, "--addr", strings.TrimPrefix(s.url, "http://"), "--store", filepath.Join(s.dir, "runs.db"))
	run.sees("200.13")
	table.sees("200.13")
	if run.js("document.getElementById('live').textContent") != "" {
		t.Error("the server is still said to be away")
	}
	store.end(id, track.Failed)
	run.sees("failed")
}

func TestPageToken(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	s := startServe(t)
	store := seeder{t, s.store(t)}
	store.sweep(3)
	tokens := filepath.Join(s.dir, "runs.db.tokens")
	secret, err := access.AddToken(tokens, "ann", access.Write)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond) // the server looks once a second
	tb := openTab(t, browser, s.url, "/?q=trial-1", "status of 401")
	tb.sees("This server needs a token")
	tb.do(chromedp.SendKeys("#token", "nonsense"+kb.Enter))
	tb.sees("does not know this token")
	tb.do(chromedp.SendKeys("#token", secret+kb.Enter))
	tb.wait("document.querySelector('.total')?.textContent === '1 run'")
	if tb.js("document.cookie + JSON.stringify({...localStorage, ...sessionStorage})") != "{}" {
		t.Error("scripts can read the token")
	}
	other := openTab(t, browser, s.url, "/", "status of 401")
	other.sees("trial-2")
	other.click("#logout", "Sign out")
	other.sees("This server needs a token")
	if code, _ := s.send(t, "GET", "/ui/api/runs", "", nil); code != 401 {
		t.Errorf("without a token: %d", code)
	}
	if _, err := access.RemoveToken(tokens, "ann"); err != nil {
		t.Fatal(err)
	}
}
