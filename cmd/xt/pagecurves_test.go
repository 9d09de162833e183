package main

import (
	"slices"
	"strconv"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/xtrepro/xt/track"
)

// TestPageCurves looks at a long curve over its epochs, which are a metric, and closer
// at a part of it.
func TestPageCurves(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	s := startServe(t)
	store := seeder{t, s.store(t)}
	const peak = 12_345
	var points []track.Metric
	for step := range int64(20_000) {
		m := track.Metric{Key: "loss", Value: 1, Step: step, Time: 1_700_000_000_000 + step}
		if step == peak {
			m.Value = 100
		}
		points = append(points, m)
		if step%100 == 0 {
			points = append(points, track.Metric{Key: "epoch", Value: float64(step) / 1000, Step: step, Time: 1_700_000_000_000 + step})
		}
	}
	id := store.run(track.NewRun{Name: "long", Start: 1_700_000_000_000}, track.Batch{})
	for points := range slices.Chunk(points, 1000) {
		if err := store.LogBatch(t.Context(), id, track.Batch{Metrics: points}); err != nil {
			t.Fatal(err)
		}
	}
	tb := openTab(t, browser, s.url, "/?view=run&tab=curves&key=loss&id="+id)
	tb.wait("document.querySelector('.u-wrap canvas')")
	tb.js(`{
		window.over = () => document.querySelector('.u-over');
		window.move = (type, part) => {
			const box = over().getBoundingClientRect();
			over().dispatchEvent(new MouseEvent(type, {clientX: box.left + part * box.width, clientY: box.top + 10, bubbles: true}));
		};
		window.asked = () => performance.getEntriesByType('resource').map(e => e.name).filter(n => n.includes('/curves?'));
	}`)
	tb.js("move('mousemove', 0.5)")
	tb.wait("/^step (9|10),?\\d+$/.test(document.querySelector('.at').textContent)")
	tb.js(`{
		const axis = [...document.querySelectorAll('.controls select')].at(-1);
		axis.value = 'metrics.epoch';
		axis.dispatchEvent(new Event('change'));
	}`)
	tb.wait("asked().some(n => n.includes('key=epoch')) && new URLSearchParams(location.search).get('x') === 'metrics.epoch'")
	tb.wait("(move('mousemove', 0.5), /^epoch (9\\.9|10)/.test(document.querySelector('.at').textContent))")
	// Where the peak is, it is under the pointer, however narrow.
	tb.wait("[...Array(400).keys()].some(i => (move('mousemove', 0.6 + i / 8000 * 0.8), document.querySelector('.legend .val').textContent === '100' && document.querySelector('.at').textContent === 'epoch 12.345'))")
	width, err := strconv.ParseFloat(tb.js("document.querySelector('.u-over').clientWidth"), 64)
	if err != nil {
		t.Fatal(err)
	}
	tb.drag(".u-over", 0.1*width)
	tb.wait(`asked().some(n => { const q = new URL(n).searchParams; return q.get('key') === 'loss' && q.get('from') > 9500 && q.get('from') < 10500 && q.get('to') > 11500 && q.get('to') < 12500; })`)
	tb.wait("(move('mousemove', 0.9), /^epoch 11/.test(document.querySelector('.at').textContent))")
	tb.js("move('dblclick', 0.5)")
	tb.wait("(move('mousemove', 0.9), /^epoch 1[78]/.test(document.querySelector('.at').textContent))")

	// By keyboard, what is read and where is told.
	tb.goTo("/?view=run&tab=curves&key=loss&id=" + id)
	tb.wait("document.querySelector('.u-wrap canvas')")
	tb.js(`document.querySelector('.plot').focus(); window.asked = () => performance.getEntriesByType('resource').map(e => e.name).filter(n => n.includes('from='));`)
	const says = "document.querySelector('.chart [role=status]').textContent"
	told := func(pattern string) { t.Helper(); tb.wait("/^" + pattern + "$/.test(" + says + ")") }
	press := func(keys ...string) {
		t.Helper()
		for _, k := range keys {
			tb.do(chromedp.KeyEvent(k))
		}
	}
	shift := func(k string) { t.Helper(); tb.do(chromedp.KeyEvent(k, chromedp.KeyModifiers(chromedp.ModifierShift))) }
	press(kb.ArrowRight)
	told("step 0: 1")
	press(kb.End)
	told("step 19,999: 1")
	press(kb.ArrowLeft)
	told("step 19,9\\d\\d: 1")
	press(kb.PageDown, kb.PageDown, "+", "+")
	told("step 1[12],\\d+ to step 1[67],\\d+; step 1[56],\\d+: 1")
	tb.js("window.part = i => { const q = new URL(asked().at(-1)).searchParams; return [Number(q.get('from')), q.get('to') - q.get('from')][i]; }")
	tb.wait("asked().length > 0 && Math.round(part(1) / 1000) === 5")
	from := tb.js("part(0)")
	shift(kb.ArrowLeft)
	tb.wait("part(0) < " + from + " - 1000 && Math.round(part(1) / 1000) === 5")
	reach := func(key, want string) {
		t.Helper()
		for range 1000 {
			if press(key); tb.js(says) == want {
				return
			}
		}
		t.Fatalf("there is no %q: %q", want, tb.js(says))
	}
	reach(kb.ArrowLeft, "step 12,345: 100")
	press(kb.Escape)
	told("all; step 12,345: 100")
	press(kb.Escape)
	told("")
	reach(kb.Home, "step 0: 1") // once the whole is there again

	// A finger that goes sideways does what a mouse does; one that scrolls the page does not.
	tb.js(`window.touch = (...moves) => {
		const over = document.querySelector('.u-over'), box = over.getBoundingClientRect();
		for (const [type, part] of moves) over.dispatchEvent(new PointerEvent(type, {pointerType: 'touch', isPrimary: true, clientX: box.left + part * box.width, clientY: box.top + 20, bubbles: true}));
	}`)
	const zoomed = "!document.querySelector('.tools button').hidden"
	if tb.js("touch(['pointerdown', 0.2], ['pointermove', 0.4], ['pointercancel', 0.4]), "+zoomed) == "true" {
		t.Error("a finger that scrolls the page zooms")
	}
	if tb.js("touch(['pointerdown', 0.2], ['pointermove', 0.4], ['pointerup', 0.4]), "+zoomed) != "true" {
		t.Error("a finger that goes sideways does not zoom")
	}
	tb.click(".tools button", "Show all")
	tb.wait("document.activeElement.matches('.plot') && !(" + zoomed + ")")
	reach(kb.Home, "step 0: 1")

	// What is drawn is saved; one chart is larger than the others, also later.
	tb.js(`{
		const make = URL.createObjectURL;
		URL.createObjectURL = blob => { window.saved = blob; return make.call(URL, blob); };
	}`)
	for _, c := range []struct{ choice, kind, want string }{
		{"CSV", "text/csv", "saved.text().then(t => t.startsWith('run,name,step,time,loss\\n" + id + ",long,0,2023-11-14T22:13:20.000Z,1\\n') && t.includes(',12345,2023-11-14T22:13:32.345Z,100\\n'))"},
		{"PNG", "image/png", "createImageBitmap(saved).then(i => i.width > 300 && i.height > 210)"},
	} {
		tb.click(".tools .menu", "Save")
		tb.click(".tools .choice", c.choice)
		tb.wait("window.saved?.type === '" + c.kind + "'")
		if tb.js(c.want) != "true" {
			t.Errorf("%s is not as it is drawn", c.choice)
		}
	}
	tb.click(".tools .icon", "⤢")
	tb.wait("document.querySelector('.u-wrap canvas').clientHeight >= 300 && new URLSearchParams(location.search).get('large') === 'loss'")
	tb.goTo("/?view=run&tab=curves&large=loss&id=" + id)
	tb.wait("document.querySelector('.chart.large[data-key=loss] .u-wrap canvas')?.clientHeight >= 300 && document.querySelectorAll('.chart.large').length === 1")
	tb.click(".large .tools .icon", "⤢")
	tb.wait("document.querySelector('.chart[data-key=loss] .u-wrap canvas')?.clientHeight === 210")

	// A single point is in the middle, and its step the only one that is named.
	single := store.run(track.NewRun{Name: "single", Start: 1_700_000_000_000}, track.Batch{Metrics: []track.Metric{{Key: "f1", Value: 0.5, Time: 1_700_000_000_000}}})
	tb.goTo("/?view=run&tab=curves&id=" + single)
	tb.wait("document.querySelector('.u-wrap canvas')")
	tb.js("document.querySelector('.plot').focus()")
	press(kb.ArrowRight)
	told("step 0: 0.5")
	tb.wait("(p => p > 0.45 && p < 0.55)(new DOMMatrix(getComputedStyle(document.querySelector('.u-cursor-x')).transform).e / document.querySelector('.u-over').clientWidth)")
}
