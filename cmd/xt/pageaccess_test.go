package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/xtrepro/xt/internal/testserver"
	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/access"
)

// withoutRuns finds what makes addresses long.
var withoutRuns = regexp.MustCompile(`(run|id)=[0-9a-f]{32}&?`)

// look is a view of the page with something in it, and what is true when it is there.
type look struct{ path, ready string }

// newPageOfAll serves a project with something of everything, and returns its views.
func newPageOfAll(t *testing.T) (*served, []look) {
	t.Helper()
	dir := newPageProject(t)
	store := seeder{t, runStore(t, runsFile(dir), filepath.Join(dir, ".xt", "cache"))}
	ids := store.sweep(12)
	id := seedRun(t, store)
	s := startServeIn(t, dir, "--addr", "127.0.0.1:0")
	seedPrompt(t, s)
	run := "/?view=run&id=" + id
	compare := "/?view=compare&run=" + strings.Join(ids, "&run=")
	canvas := "document.querySelector('.drawing canvas')?.height > 100"
	table := "document.querySelector('.runs tbody th a')"
	proved := "/?view=run&id=" + foundRun(t, s, "tags.xt.verdict = 'differs'")
	return s, []look{
		{"/", table}, {"/?q=trial", table}, {"/?sel=" + ids[0], table}, {"/?q=nothing", "document.body.innerText.includes('No run matches')"},
		{"/?group=params.optimizer", "document.querySelector('.group')"}, {"/?q=" + url.QueryEscape("metrics.a > maybe"), "document.querySelector('.says').textContent"},
		{run, "document.querySelector('.facts')"}, {run + "&tab=curves", "document.querySelector('.u-wrap canvas')"}, {run + "&tab=log", "document.querySelector('.state')"},
		{run + "&tab=artifacts", "document.querySelector('.tree')"}, {run + "&tab=artifacts&path=table.csv", "document.querySelector('.cells')"},
		{run + "&tab=artifacts&path=conf.json", "document.querySelector('.json')"}, {run + "&tab=artifacts&path=notes.txt", "document.querySelector('.preview pre')"},
		{run + "&tab=artifacts&path=page.html", "document.querySelector('iframe')"}, {run + "&tab=artifacts&path=sound.wav", "document.querySelector('.preview audio, .preview [role=alert]')"},
		{run + "&tab=traces", "document.querySelector('.list th a')"}, {run + "&tab=system", "document.querySelector('.chart')"}, {run + "&tab=media", "document.querySelector('.cells')"},
		{run + "&tab=nested", "document.querySelector('.list th a')"}, {run + "&tab=proof", "document.querySelector('.commands')"},
		{proved, "document.querySelector('.facts')"}, {proved + "&tab=proof", "document.querySelector('.proof')"}, {proved + "&tab=log", "document.querySelector('.log, .state')"},
		{compare, "document.querySelectorAll('.u-wrap canvas').length === 2"}, {compare + "&tab=parallel", canvas}, {compare + "&tab=scatter&sc=params.optimizer", canvas},
		{compare + "&tab=importance", "document.querySelector('.bars')"}, {compare + "&tab=diff", "document.querySelector('.sides')"},
		{"/?view=pipeline", "document.querySelector('.stage')"}, {"/?view=pipeline&old=HEAD~1&new=HEAD", "document.querySelector('.changes')"},
		{"/?view=models", "document.querySelector('.version')"}, {"/?view=models&model=greeter&tab=metrics", "document.querySelector('.panel')"}, {"/?view=models&model=greeter&tab=history", "document.querySelector('.history')"},
		{"/?view=data&path=data", "document.querySelector('.history')"}, {"/?view=traces", "document.querySelector('.list th a')"},
		{"/?view=traces&trace=tr-00000000000000000000000000000001", "document.querySelector('.talk')"}, {"/?view=prompts", "document.querySelector('.quote')"},
		{"/?view=nonsense", "document.querySelector('.state')"}, {"/?view=run&id=none", "document.querySelector('.state')"},
	}
}

// foundRun returns the first run that a search finds.
func foundRun(t *testing.T, s *served, filter string) string {
	t.Helper()
	var found struct{ Runs []struct{ ID string } }
	code, text := s.send(t, "GET", "/ui/api/runs?q="+url.QueryEscape(filter), "", nil)
	if err := json.Unmarshal([]byte(text), &found); err != nil || len(found.Runs) == 0 {
		t.Fatalf("%s: %d: %s", filter, code, text)
	}
	return found.Runs[0].ID
}

// seedRun puts a run with something in each tab into a store.
func seedRun(t *testing.T, store seeder) string {
	t.Helper()
	now := time.Now().UnixMilli()
	points := fallingCurve("loss", 100)
	for i := range 30 { // more than are in sight
		points = append(points, fallingCurve(fmt.Sprint("system/gpu.", i), 2)...)
	}
	id := store.run(track.NewRun{Name: "a parent of some runs", Start: now, User: "ann", Params: []track.Param{{Key: "lr", Value: "0.1"}}, Tags: []track.Tag{{Key: "team", Value: "vision"}, {Key: "mlflow.source.name", Value: "train.py"}}}, track.Batch{Metrics: points})
	store.run(track.NewRun{Name: "a child", Start: now, Tags: []track.Tag{{Key: track.ParentRunTag, Value: id}}}, track.Batch{Metrics: fallingCurve("loss", 5)})
	for name, content := range map[string]string{
		"table.csv": "name,value\nann,1.5\n", "conf.json": `{"a":{"b":[1,2,"three"]}}`, "notes.txt": "some notes", "page.html": "<h1>a page</h1>", "sound.wav": "RIFF", "model/weights.pkl": "\x80\x04",
		"media/table/predictions_0_0123456789abcdef.table.json": `{"columns":["input","score"],"data":[["hello",0.25]]}`,
	} {
		store.artifact(id, name, content)
	}
	spans(t, store, id)
	return id
}

// seedPrompt registers a prompt in two versions, as MLflow's client does.
func seedPrompt(t *testing.T, s *served) {
	t.Helper()
	post := func(path, body string) {
		t.Helper()
		answer, err := s.http.Post(s.url+"/api/2.0/mlflow/"+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", path, answer.Status)
		}
	}
	tags := `{"key":"mlflow.prompt.is_prompt","value":"true"}`
	post("registered-models/create", `{"name":"summary","tags":[`+tags+`]}`)
	for _, text := range []string{"Summarise:\\n{{text}}", "Summarise in a sentence:\\n{{text}}"} {
		post("model-versions/create", `{"name":"summary","source":"x","tags":[`+tags+`,{"key":"mlflow.prompt.text","value":"`+text+`"}]}`)
	}
}

// audit has axe-core look at the page as it is.
func (tb *tab) audit(axe, where string) {
	tb.t.Helper()
	tb.js(axe + "; 0")
	var found []struct {
		ID, Help string
		Nodes    []struct {
			Target         []any
			FailureSummary string
		}
	}
	text := tb.js("axe.run({iframes: false, resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => ({target: n.target, failureSummary: n.failureSummary}))})))")
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		tb.t.Fatal(err)
	}
	for _, v := range found {
		says := fmt.Sprintf("%s: %s: %s", where, v.ID, v.Help)
		for _, n := range v.Nodes[:min(3, len(v.Nodes))] {
			says += fmt.Sprintf("\n\t%v: %s", n.Target, strings.ReplaceAll(n.FailureSummary, "\n", " "))
		}
		tb.t.Error(says)
	}
}

// widths are those of a telephone, of a tablet and of a desk.
var widths = []int64{360, 768, 1280}

func (tb *tab) resize(width int64) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, time.Minute)
	defer cancel()
	if _, err := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 800, DeviceScaleFactor: 1}); err != nil {
		tb.t.Fatal(err)
	}
	tb.js("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
}

// fits checks that nothing makes the page itself scroll sideways.
func (tb *tab) fits(where string) {
	tb.t.Helper()
	wide := tb.js(`(() => {
		const root = document.documentElement;
		if (root.scrollWidth <= root.clientWidth) return '';
		const clipped = e => { for (let p = e.parentElement; p && p !== document.body; p = p.parentElement) if (getComputedStyle(p).overflowX !== 'visible') return true; };
		return root.scrollWidth + ': ' + [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > root.clientWidth && !clipped(e)).slice(-3).map(e => e.tagName + '.' + (e.getAttribute('class') ?? '')).join(', ');
	})()`)
	if wide != "" {
		tb.t.Errorf("%s: the page is as wide as %s", where, wide)
	}
}

func TestPageAccessible(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its stages are scripts of sh")
	}
	browser := newBrowser(t)
	axe := testserver.Axe(t)
	s, looks := newPageOfAll(t)
	tb := openTab(t, browser, s.url, "/", "status of 404", "status of 400")
	for _, l := range looks {
		tb.resize(1280)
		tb.goTo(l.path)
		tb.wait(l.ready)
		where := withoutRuns.ReplaceAllString(l.path, "")
		tb.walk(where)
		tb.js("scrollTo(0, 0)") // nothing is half below the header
		for i, width := range widths {
			tb.resize(width)
			tb.js("document.documentElement.dataset.theme = '" + []string{"dark", "light"}[i%2] + "'")
			tb.fits(fmt.Sprint(width, " ", where))
			tb.audit(axe, fmt.Sprint(width, " ", where))
		}
	}
}

// drag pulls an element sideways.
func (tb *tab) drag(selector string, by float64) {
	tb.t.Helper()
	var at []float64
	if err := json.Unmarshal([]byte(tb.js("(b => [b.x + b.width / 2, b.y + b.height / 2])(document.querySelector('"+selector+"').getBoundingClientRect())")), &at); err != nil {
		tb.t.Fatal(err)
	}
	tb.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, at[0], at[1], chromedp.ButtonLeft), chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0]+by, at[1], chromedp.ButtonLeft), chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, at[0]+by, at[1], chromedp.ButtonLeft))
}

// walk goes through the page with Tab alone: each thing that can be used is reached,
// in sight and marked.
func (tb *tab) walk(where string) {
	tb.t.Helper()
	tb.js(`{
		window.reached = new Set();
		window.wrong = new Set();
		window.stepped = () => {
			const e = document.activeElement;
			if (e === document.body || reached.has(e)) return true;
			reached.add(e);
			const box = e.getBoundingClientRect(), s = getComputedStyle(e), name = e.outerHTML.slice(0, 120);
			if (box.width === 0 || box.height === 0 || box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth) wrong.add('out of sight: ' + name);
			if (e.tagName !== 'IFRAME' && (s.outlineStyle === 'none' || parseFloat(s.outlineWidth) < 1)) wrong.add('not marked: ' + name);
			return false;
		};
		document.querySelector('.skip').focus();
	}`)
	tb.js("stepped()")
	for range 300 {
		tb.do(chromedp.KeyEvent(kb.Tab))
		if tb.js("stepped()") == "true" {
			break
		}
	}
	wrong := tb.js(`(() => {
		const seen = e => e.checkVisibility({visibilityProperty: true}) && !e.disabled && e.tabIndex >= 0 && !e.closest('.runs');
		for (const e of document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')) if (seen(e) && !reached.has(e)) wrong.add('not reached: ' + e.outerHTML.slice(0, 120));
		return [...wrong].slice(0, 5).join('\n\t');
	})()`)
	if wrong != "" {
		tb.t.Errorf("%s: by keyboard:\n\t%s", where, wrong)
	}
}

// What opens is usable by keyboard, and gives the focus back.
func TestPageKeyboard(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	axe := testserver.Axe(t)
	s := startServe(t)
	store := seeder{t, s.store(t)}
	if err := store.LogBatch(t.Context(), store.sweep(12)[0], track.Batch{Tags: []track.Tag{{Key: "a." + strings.Repeat("long-", 8) + "name", Value: "x"}}}); err != nil {
		t.Fatal(err)
	}
	tb := openTab(t, browser, s.url, "/")
	tb.sees("trial-11")
	press := func(keys ...string) {
		t.Helper()
		for _, k := range keys {
			tb.do(chromedp.KeyEvent(k))
		}
	}
	focus := func(selector, text string) {
		t.Helper()
		tb.js(fmt.Sprintf("[...document.querySelectorAll('%s')].find(e => e.textContent.includes('%s')).focus()", selector, text))
	}
	at := func(want string) { t.Helper(); tb.wait("document.activeElement.matches('" + want + "')") }

	// Panels: into them, through them, and back.
	for _, width := range widths {
		tb.resize(width)
		for _, c := range []struct{ button, first string }{{"All experiments", "input[type=search]"}, {"Group", "button.menu"}, {"Columns", "input[type=search]"}} {
			focus("button.menu", c.button)
			press(kb.Enter)
			tb.wait("document.querySelector('.popover:popover-open :is(label, .choice)')")
			at(c.first)
			tb.audit(axe, c.button)
			tb.fits(c.button)
			press(kb.Tab)
			at(".popover *")
			press(kb.Escape)
			at("button.menu")
			if open := tb.js("document.querySelectorAll('.popover:popover-open').length"); open != "0" {
				t.Errorf("%s: Escape leaves it open", c.button)
			}
		}
	}
	focus("button.menu", "Columns")
	press(kb.Enter)
	at("input[type=search]")
	press("u", "s", "e", "r", kb.Tab, " ")
	tb.wait("[...document.querySelectorAll('.runs thead th')].some(e => e.title === 'User')")
	tb.wait("document.querySelector('.popover:popover-open .choices .v').textContent === 'User'")
	press(kb.Escape)
	at("button.menu")

	// The table: what is drawn again keeps the focus.
	focus(".runs thead button", "lr")
	press(kb.Enter)
	tb.wait("document.querySelector('[aria-sort=ascending]')?.title === 'lr' && document.querySelector('.runs tbody th a')?.textContent === 'trial-0'")
	at(".runs thead button")
	tb.js("document.querySelector('.runs tbody .pick input').focus()")
	press(" ")
	tb.sees("Compare 1")
	at(".runs tbody .pick input")
	press("j")
	at(".runs tr.at th a")
	press("j", "x")
	tb.sees("Compare 2")
	at(".runs tr.at th a")
	press(kb.Enter)
	tb.wait("document.querySelector('h1')?.textContent === 'trial-2'")
	at("main")
	press("/")
	press("?")
	at("dialog *")
	tb.audit(axe, "the list of keys")
	press(kb.Escape)
	tb.wait("!document.querySelector('dialog')")

	// Widths of columns, by keys and by hand, are there again later.
	tb.goTo("/")
	tb.sees("trial-11")
	width := func(want string) {
		t.Helper()
		tb.wait("[...document.querySelectorAll('.runs thead th')].find(e => e.title === 'Run').getBoundingClientRect().width === " + want)
	}
	width("250")
	focus(".runs thead button", "Run")
	tb.do(chromedp.KeyEvent(kb.ArrowRight, chromedp.KeyModifiers(chromedp.ModifierShift)), chromedp.KeyEvent(kb.ArrowRight, chromedp.KeyModifiers(chromedp.ModifierShift)))
	width("270")
	tb.drag(".runs thead .first .grip", -100)
	width("170")
	tb.goTo("/?q=trial")
	width("170")

	// Pictures: from run to run, and into one.
	for view, name := range map[string]string{"parallel": "trial-11", "scatter": "trial-0"} {
		tb.goTo("/?view=compare&tab=" + view)
		tb.wait("document.querySelector('.drawing canvas')?.height > 100")
		tb.js("document.querySelector('canvas').focus()")
		press(kb.ArrowLeft, kb.ArrowRight)
		tb.wait("document.querySelector('.controls [role=status]').textContent.startsWith('" + name + ":')")
		press(kb.Enter)
		tb.wait("document.querySelector('h1')?.textContent === '" + name + "'")
	}

	// Parts of parallel axes: an axis, and one end after the other.
	tb.goTo("/?view=compare&tab=parallel")
	tb.wait("document.querySelector('.drawing canvas')?.height > 100")
	tb.js("document.querySelector('canvas').focus()")
	shift := func(k string) { t.Helper(); tb.do(chromedp.KeyEvent(k, chromedp.KeyModifiers(chromedp.ModifierShift))) }
	says := func(want string) {
		t.Helper()
		tb.wait("document.querySelector('.controls [role=status]').textContent === '" + want + "'")
	}
	says("12 runs")
	shift(kb.ArrowRight)
	says("lr: 12 runs")
	shift(kb.ArrowUp)
	says("lr 0.002 to 0.012: 11 runs marked")
	shift(kb.ArrowDown)
	says("lr 0.002 to 0.011: 10 runs marked")
	shift(kb.ArrowRight)
	shift(kb.ArrowUp)
	says("optimizer sgd to sgd: 5 runs marked")
	press(kb.Delete)
	says("optimizer: 10 runs marked")

	// The filter, as a combination of a field and a list.
	tb.goTo("/")
	tb.sees("trial-11")
	press("/")
	at(".filter")
	tb.js("document.activeElement.value = ''") // a keyboard would not have typed the /
	press("l")
	tb.wait("document.querySelector('[role=option]')")
	press(kb.ArrowDown)
	tb.wait("document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.getAttribute('aria-selected') === 'true'")
	tb.audit(axe, "the list of completions")
	press(kb.Escape)
	tb.wait("document.activeElement.getAttribute('aria-expanded') === 'false'")
}

// States in which there is nothing are as usable as others, and the question for a
// token is.
func TestPageEmptyAccessible(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	axe := testserver.Axe(t)
	s := startServe(t)
	tb := openTab(t, browser, s.url, "/", "status of 401")
	tb.resize(360)
	look := func(says, where string) {
		t.Helper()
		tb.sees(says)
		for _, theme := range []string{"dark", "light"} {
			tb.js("document.documentElement.dataset.theme = '" + theme + "'")
			tb.audit(axe, theme+" "+where)
		}
		tb.fits(where)
		tb.walk(where)
	}
	for path, says := range map[string]string{"/": "No runs yet", "/?view=pipeline": "No project here", "/?view=models": "No models yet", "/?view=data": "No project here",
		"/?view=traces": "No traces yet", "/?view=prompts": "No prompts yet", "/?view=compare": "No runs to compare"} {
		tb.goTo(path)
		look(says, path)
	}
	tb.goTo("/") // this view asks again and again
	secret, err := access.AddToken(filepath.Join(s.dir, "runs.db.tokens"), "ann", access.Write)
	if err != nil {
		t.Fatal(err)
	}
	look("This server needs a token", "login")
	tb.do(chromedp.SendKeys("#token", "nonsense"+kb.Enter))
	look("does not know this token", "wrong login")
	tb.do(chromedp.SendKeys("#token", secret+kb.Enter))
	tb.sees("Sign out")
	tb.fits("signed in")
}
