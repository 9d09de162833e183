package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// pageScripts is a project in which scripts log as people write them, and the page that
// shows what they do.
type pageScripts struct {
	t   *testing.T
	dir string
	*served
}

// command makes xt run a script of testdata/page.
func (p *pageScripts) command(env []string, script string) *exec.Cmd {
	p.t.Helper()
	file, err := filepath.Abs(filepath.Join("testdata/page", script))
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.CommandContext(p.t.Context(), "xt", "run", "--seed", "7", "--", "python3", file)
	cmd.Dir, cmd.Env = p.dir, append(env, "HOME="+p.dir, "XDG_DATA_HOME=", "XDG_CACHE_HOME=", "MLFLOW_DISABLE_TELEMETRY=true")
	return cmd
}

func (p *pageScripts) run(env []string, script string) {
	p.t.Helper()
	if out, err := p.command(env, script).CombinedOutput(); err != nil {
		p.t.Fatalf("%s: %v: %s", script, err, out)
	}
}

// restart ends the server and starts another one at its place.
func (p *pageScripts) restart(between func()) {
	p.t.Helper()
	p.stop()
	<-p.code
	between()
	p.served = startServeIn(p.t, p.dir, "--addr", strings.TrimPrefix(p.url, "http://"))
}

// TestPageScripts has scripts log that know nothing of xt, and looks at what the page
// shows of each.
func TestPageScripts(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("tools of Unix")
	}
	t.Parallel()
	browser := newBrowser(t)
	env := withOptuna(t, "5.0.0", "mlflow-skinny==3.17.2")
	dir := newPageProject(t)
	p := &pageScripts{t, dir, startServeIn(t, dir, "--addr", "127.0.0.1:0")}
	var tabs [3]*tab
	for i := range tabs {
		tabs[i] = openTab(t, browser, p.url, "/", append(awayWords, "status of 404")...)
	}
	p.live(env, tabs[0], tabs[1], tabs[2])
	tb := openTab(t, browser, p.url, "/")
	p.run(env, "sweep.py")
	p.sweep(tb)
	p.run(env, "promote.py")
	tb.goTo("/?view=models&model=llama")
	tb.wait("[...document.querySelectorAll('.runhead .badge')].map(e => e.textContent).sort().join() === 'archived,production'")
	tb.sees("Promoted to Production on")
	p.run(env, "prompts.py")
	p.prompts(tb)
	p.run(env, "seeded.py")
	tb.goTo("/?view=run&tab=log&id=" + foundRun(t, p.served, "origin.command LIKE '%seeded.py'"))
	tb.sees("drawn 0.052363598850944326")
	tb.click(".tabs a", "Origin and proof")
	tb.sees("7, deterministic")
	p.run(withWandb(t, "0.31.0"), "finetune.py")
	p.finetune(tb)
}

// awayWords are what tabs may complain of while the server is away.
var awayWords = []string{"ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE"}

// live follows a script in three tabs, over a restart of the server.
func (p *pageScripts) live(env []string, table, run, log *tab) {
	p.t.Helper()
	cmd := p.command(env, "train.py")
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	status := func(is string) string {
		return "[...document.querySelectorAll('.runs tbody th')].some(e => e.textContent.includes('net') && e.querySelector('.is-" + is + "'))"
	}
	table.wait(status("running"))
	net := "/?view=run&id=" + foundRun(p.t, p.served, "attributes.run_name = 'net'")
	run.goTo(net + "&tab=curves")
	log.goTo(net + "&tab=log")
	log.click(".state a", "train.py") // until the end there may be several runs
	log.sees("Epoch 2")
	value, line := "document.querySelector('.legend .val').textContent", "document.querySelector('.log').textContent.trim().split('\\n').at(-1)"
	moves := func() {
		p.t.Helper()
		for tb, what := range map[*tab]string{run: value, log: line} {
			tb.wait(what)
			before := tb.js(what)
			tb.wait(what + " !== '" + before + "'")
		}
	}
	moves()
	p.restart(func() { run.sees("The server does not answer") })
	moves()
	if err := os.WriteFile(filepath.Join(p.dir, "enough"), nil, 0o666); err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		p.t.Fatal(err)
	}
	table.wait(status("finished"))
	for _, tb := range []*tab{run, log} {
		tb.wait("document.querySelector('h1').textContent === 'net'")
		tb.sees("finished")
	}
	log.sees("Epoch 2")
	run.click(".tabs a", "Artifacts")
	run.wait("document.querySelector('.preview pre')?.textContent === 'the weights'") // as there is nothing else
}

// sweep looks at the trials of a search.
func (p *pageScripts) sweep(tb *tab) {
	p.t.Helper()
	tb.goTo("/?group=tags.mlflow.parentRunId")
	tb.wait("[...document.querySelectorAll('.group')].some(e => e.textContent.includes('widths') && e.textContent.includes('10 runs'))")
	tb.click(".group a", "open")
	tb.wait("[...document.querySelectorAll('.facts dd')].some(e => /trial \\d: hidden_dim 64, lr/.test(e.textContent))")
	tb.click(".tabs a", "Nested runs")
	tb.wait("document.querySelectorAll('.list tbody tr').length === 10")
	tb.click(".panel a", "Compare them")
	tb.wait("document.querySelector('.drawing canvas')?.height > 100")
	tb.sees("10 runs")
	tb.click(".tabs a", "Importance")
	tb.wait("document.querySelector('.bars tbody th').textContent === 'hidden_dim'")
	tb.click(".tabs a", "Differences")
	tb.wait("document.querySelector('.sides .best')")
}

// prompts looks at predictions, a conversation and the versions of a prompt.
func (p *pageScripts) prompts(tb *tab) {
	p.t.Helper()
	run := "/?view=run&id=" + foundRun(p.t, p.served, "attributes.run_name = 'prompts'")
	tb.goTo(run)
	tb.sees("Summarise this: {text}")
	tb.goTo(run + "&tab=artifacts")
	tb.wait("[...document.querySelectorAll('.cells th, .cells td')].map(e => e.textContent).join('|') === 'text|summary|Long article|Short summary|Another article|Another summary'")
	tb.goTo(run + "&tab=traces")
	tb.click(".list th a", "summarise")
	tb.wait("document.querySelector('.by-user')?.textContent.includes('A long article') && document.querySelector('.by-assistant')?.textContent.includes('It is short.')")
	tb.wait("document.querySelector('.span[aria-current]').textContent.includes('chat')")
	tb.goTo("/?view=prompts")
	tb.sees("Summarise this in a sentence: {{text}}")
	tb.click("summary", "What changed")
	tb.wait("document.querySelector('.plus')")
}

// finetune looks at what W&B's client has logged.
func (p *pageScripts) finetune(tb *tab) {
	p.t.Helper()
	run := "/?view=run&id=" + foundRun(p.t, p.served, "params.learning_rate = '0.001'")
	tb.goTo(run)
	tb.sees("learning_rate")
	tb.goTo(run + "&tab=media")
	tb.wait("[...document.querySelectorAll('.cells td')].map(e => e.textContent).sort().join() === 'Hello,Hello,World 0,World 5'")
	tb.wait("document.querySelector('.preview img').naturalWidth === 16")
	tb.goTo(run + "&tab=curves")
	tb.wait("document.querySelector('.chart[data-key=loss] .u-wrap canvas')")
	tb.goTo(run + "&tab=artifacts&path=artifacts/tokenizer-v0/vocabulary.txt")
	tb.wait("document.querySelector('.preview pre')?.textContent === 'hello\\nworld\\n'")
}
