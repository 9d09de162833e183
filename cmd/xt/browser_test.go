package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/xtrepro/xt/internal/testserver"
)

// newBrowser starts a browser without windows, until the end of the test.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(testserver.Browser(t)), chromedp.WindowSize(1280, 800),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("disable-component-update", true), chromedp.WSURLReadTimeout(time.Minute))
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox)
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab is a page in the browser. What it complains about is an error at the end of
// the test, unless that is expected: exceptions, violations of its policy, requests
// that fail or go elsewhere, dialogs that a script opened.
type tab struct {
	t        *testing.T
	ctx      context.Context
	server   string
	expected []string

	mu         sync.Mutex
	complaints []string
}

// openTab opens an address of a server.
func openTab(t *testing.T, browser context.Context, server, path string, expected ...string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	tb := &tab{t: t, ctx: ctx, server: server, expected: expected}
	t.Cleanup(func() {
		cancel()
		tb.mu.Lock()
		defer tb.mu.Unlock()
		for _, c := range tb.complaints {
			t.Errorf("the page complained: %s", c)
		}
	})
	// The first call opens the page, which lasts as long as its context.
	if err := errors.Join(chromedp.Do(ctx), chromedp.Listen(ctx, tb.listen)); err != nil {
		t.Fatal(err)
	}
	go func() {
		for m, err := range chromedp.Console(ctx) {
			if err == nil && (m.IsException() || m.Type == "error" || m.Type == "warning") {
				tb.complain(m.String())
			}
		}
	}()
	within, done := context.WithTimeout(ctx, time.Minute)
	defer done()
	_, err := chromedp.Call(within, network.Enable, network.EnableParams{})
	if err == nil {
		// Several tabs are looked at, at once.
		_, err = chromedp.Call(within, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	}
	if err != nil {
		t.Fatal(err)
	}
	tb.goTo(path)
	return tb
}

func (tb *tab) listen(event any) {
	switch e := event.(type) {
	case *page.EventJavascriptDialogOpening:
		tb.complain("a dialog: " + e.Message)
		go func() {
			_, _ = chromedp.Call(tb.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
		}()
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && (u.Scheme == "http" || u.Scheme == "https") && !strings.HasPrefix(e.Request.URL, tb.server) {
			tb.complain("a request to " + e.Request.URL)
		}
	}
}

func (tb *tab) complain(text string) {
	for _, e := range tb.expected {
		if strings.Contains(text, e) {
			return
		}
	}
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.complaints = append(tb.complaints, text)
}

func (tb *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		tb.t.Fatal(err)
	}
}

func (tb *tab) goTo(path string) {
	tb.t.Helper()
	tb.do(chromedp.Navigate(tb.server + path))
}

// js returns the value of an expression, as JSON where it is no text.
func (tb *tab) js(expression string) string {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, time.Minute)
	defer cancel()
	raw, err := chromedp.Run(ctx, chromedp.Evaluate[[]byte](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		tb.t.Fatalf("%s: %v", expression, err)
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// wait waits until an expression is true.
func (tb *tab) wait(expression string) {
	tb.t.Helper()
	deadline := time.Now().Add(40 * time.Second)
	for tb.js("(() => { try { return !!("+expression+"); } catch { return false; } })()") != "true" {
		if time.Now().After(deadline) {
			tb.t.Fatalf("it never came to %s; the page, %s, says %.1500s", expression, tb.js("document.visibilityState"), tb.js("document.body.innerText"))
		}
		time.Sleep(30 * time.Millisecond)
	}
}

// sees waits until the page shows a text.
func (tb *tab) sees(text string) {
	tb.t.Helper()
	b, err := json.Marshal(text)
	if err != nil {
		tb.t.Fatal(err)
	}
	tb.wait("document.body.innerText.includes(" + string(b) + ")")
}

// click clicks on the first element that a selector names and whose text is, or holds,
// another.
func (tb *tab) click(selector, text string) {
	tb.t.Helper()
	b, err := json.Marshal([]string{selector, text})
	if err != nil {
		tb.t.Fatal(err)
	}
	found := fmt.Sprintf("((s, t) => { const all = [...document.querySelectorAll(s)]; return all.find(e => e.textContent.trim() === t) ?? all.find(e => e.textContent.includes(t)); })(...%s)", b)
	tb.wait(found)
	tb.js(found + ".click()")
}
