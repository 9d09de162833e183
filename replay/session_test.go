package replay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/xtrepro/xt/internal/testserver"
	"github.com/xtrepro/xt/seedenv"
)

// fixture is a directory of recordings and a provider.
type fixture struct {
	*testing.T
	llm  *testserver.LLM
	dir  string
	opts Options
}

func newFixture(t *testing.T) *fixture {
	llm := testserver.NewLLM()
	t.Cleanup(llm.Close)
	dir := t.TempDir()
	caller := []string{"OPENAI_BASE_URL=" + llm.URL + "/v1", "ANTHROPIC_BASE_URL=" + llm.URL, "GOOGLE_GEMINI_BASE_URL=" + llm.URL}
	return &fixture{t, llm, dir, Options{Mode: Record, Dir: filepath.Join(dir, "llm", "ask"), Aside: filepath.Join(dir, "aside"), Caller: caller, Environ: caller}}
}

func (f *fixture) start(mode Mode) *Session {
	f.Helper()
	opts := f.opts
	opts.Mode = mode
	s, err := Start(context.Background(), opts)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close(false) })
	return s
}

// session runs a session that must keep what it used.
func (f *fixture) session(mode Mode, run func(s *Session)) Summary {
	f.Helper()
	s := f.start(mode)
	run(s)
	s.Close(true)
	if err := errors.Join(s.Err(), s.Keep()); err != nil {
		f.Fatal(err)
	}
	return s.Summary()
}

func (f *fixture) files() []string {
	f.Helper()
	entries, err := os.ReadDir(f.opts.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// noKey looks into every file for the key.
func (f *fixture) noKey() {
	f.Helper()
	err := filepath.WalkDir(f.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		if bytes.Contains(b, []byte(testserver.LLMKey)) || bytes.Contains(b, []byte("session=")) {
			f.Errorf("%s holds the key", name)
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
}

type reply struct {
	status int
	header http.Header
	body   string
	err    error
}

// post sends a request as a client would.
func post(s *Session, variable, path, body string, change ...func(*http.Request)) reply {
	base, _ := seedenv.Lookup(s.Environ(), variable)
	req, err := http.NewRequest("POST", base+path, strings.NewReader(body))
	if err != nil {
		return reply{err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+testserver.LLMKey)
	for _, c := range change {
		c(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(b), err}
}

func chat(s *Session, prompt string) reply {
	return post(s, "OPENAI_BASE_URL", "/chat/completions", `{"model":"m","messages":[{"role":"user","content":"`+prompt+`"}]}`)
}

func TestRecordAndReplay(t *testing.T) {
	f := newFixture(t)
	requests := map[string]func(s *Session) reply{
		"chat": func(s *Session) reply { return chat(s, "hello") },
		"stream": func(s *Session) reply {
			return post(s, "OPENAI_BASE_URL", "/chat/completions", `{"stream":true,"model":"m","messages":[{"role":"user","content":"hello"}]}`)
		},
		"messages": func(s *Session) reply {
			return post(s, "ANTHROPIC_BASE_URL", "/v1/messages", `{"stream":true,"model":"m","messages":[{"role":"user","content":"hello"}]}`)
		},
		"embeddings": func(s *Session) reply { return post(s, "OPENAI_BASE_URL", "/embeddings", `{"model":"m","input":"x"}`) },
		"responses":  func(s *Session) reply { return post(s, "OPENAI_BASE_URL", "/responses", `{"model":"m","input":"x"}`) },
		"bad":        func(s *Session) reply { return chat(s, "status 400") },
		"flaky":      func(s *Session) reply { chat(s, "flaky 503 x"); return chat(s, "flaky 503 x") },
		"raw":        func(s *Session) reply { return post(s, "OPENAI_BASE_URL", "/chat/completions", "no JSON") },
		"key": func(s *Session) reply {
			return post(s, "GOOGLE_GEMINI_BASE_URL", "/v1beta/models/g:generateContent?key="+testserver.LLMKey, `{}`, func(r *http.Request) { r.Header.Del("Authorization") })
		},
		"form": form,
	}
	first := map[string]reply{}
	sum := f.session(Record, func(s *Session) {
		for name, ask := range requests {
			first[name] = ask(s)
		}
	})
	if len(f.llm.Calls()) != len(requests)+1 || sum.Calls != len(requests) || sum.Recorded != len(requests) || sum.Tokens == 0 {
		t.Errorf("recorded %+v", sum)
	}
	f.noKey()
	delete(requests, "flaky")
	sum = f.session(Replay, func(s *Session) {
		for name, ask := range requests {
			if got, want := ask(s), first[name]; got.err != nil || got.status != want.status || got.body != want.body || got.header.Get("Content-Type") != want.header.Get("Content-Type") || got.header.Get("X-Request-Id") != want.header.Get("X-Request-Id") {
				t.Errorf("%s: got %+v, want %+v", name, got, want)
			}
		}
	})
	if calls := f.llm.Calls(); len(calls) != 0 || sum.Replayed != len(requests) {
		t.Errorf("asked %q, %+v", calls, sum)
	}
}

// form sends a file in a form whose boundary is another one each time.
func form(s *Session) reply {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, _ := w.CreateFormFile("file", "a.jsonl")
	_, _ = part.Write([]byte("{}\n"))
	_ = w.Close()
	return post(s, "OPENAI_BASE_URL", "/files", b.String(), func(r *http.Request) { r.Header.Set("Content-Type", w.FormDataContentType()) })
}

func TestNumbers(t *testing.T) {
	f := newFixture(t)
	ask := func(s *Session) []string {
		var wg sync.WaitGroup
		bodies := make([]string, 5)
		for i := range bodies {
			wg.Go(func() { bodies[i] = chat(s, "again").body })
		}
		wg.Wait()
		slices.Sort(bodies)
		return bodies
	}
	var first, second []string
	f.session(Record, func(s *Session) { first = ask(s) })
	f.session(Record, func(s *Session) { second = ask(s) })
	if !slices.Equal(first, second) || len(slices.Compact(first)) != 5 || len(f.llm.Calls()) != 5 {
		t.Errorf("first %q, then %q", first, second)
	}
	s := f.start(Replay)
	for range 6 {
		chat(s, "again")
	}
	s.Close(true)
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "it is asked 6 times, and recorded 5 times") {
		t.Error(err)
	}
}

func TestChangedPrompt(t *testing.T) {
	f := newFixture(t)
	f.session(Record, func(s *Session) { chat(s, "one"); chat(s, "two") })
	before := f.files()
	sum := f.session(Record, func(s *Session) { chat(s, "one"); chat(s, "three") })
	if sum.Replayed != 1 || sum.Recorded != 1 || len(f.files()) != 2 || slices.Equal(before, f.files()) {
		t.Errorf("%+v, %q", sum, f.files())
	}
	f.llm.Calls()
	// What is not used any more is aside, so that going back costs nothing.
	f.session(Record, func(s *Session) { chat(s, "one"); chat(s, "two") })
	if calls := f.llm.Calls(); len(calls) != 0 || !slices.Equal(before, f.files()) {
		t.Errorf("asked %q, has %q", calls, f.files())
	}
	// What a person deletes is asked again.
	if err := os.RemoveAll(f.opts.Dir); err != nil {
		t.Fatal(err)
	}
	f.session(Record, func(s *Session) { chat(s, "one") })
	if calls := f.llm.Calls(); len(calls) != 1 {
		t.Errorf("asked %q", calls)
	}
}

func TestMiss(t *testing.T) {
	f := newFixture(t)
	for variable, path := range map[string]string{"OPENAI_BASE_URL": "/chat/completions", "ANTHROPIC_BASE_URL": "/v1/messages"} {
		s := f.start(Replay)
		got := post(s, variable, path, `{"model":"gpt-test","messages":[{"role":"user","content":[{"type":"text","text":"what is\nnew?"}]}]}`)
		if got.status != statusMiss || got.header.Get("X-Should-Retry") != "false" || !strings.Contains(got.body, `what is new?`) {
			t.Errorf("got %+v", got)
		}
		s.Close(true)
		var incomplete *IncompleteError
		if err := s.Err(); !errors.As(err, &incomplete) || !strings.Contains(err.Error(), `gpt-test: "what is new?": it is not recorded`) {
			t.Error(err)
		}
	}
	if calls := f.llm.Calls(); len(calls) != 0 {
		t.Errorf("asked %q", calls)
	}
}

func TestFailures(t *testing.T) {
	f := newFixture(t)
	for prompt, want := range map[string]int{"status 500": 500, "status 429": 429, "status 401": 401} {
		s := f.start(Record)
		if got := chat(s, prompt); got.status != want || got.header.Get("Retry-After-Ms") != "1" {
			t.Errorf("%s: %+v", prompt, got)
		}
		s.Close(true)
		if err := s.Err(); err == nil || !strings.Contains(err.Error(), "answered "+prompt[7:]) {
			t.Errorf("%s: %v", prompt, err)
		}
		if s.Keep() == nil || len(f.files()) != 0 {
			t.Errorf("%s was kept", prompt)
		}
	}
	// An error that stays is recorded where that is wanted, but none of the account.
	f.opts.Errors = true
	f.session(Record, func(s *Session) { chat(s, "status 500"); chat(s, "status 500") })
	if len(f.files()) != 1 {
		t.Errorf("has %q", f.files())
	}
	f.llm.Calls()
	f.session(Replay, func(s *Session) {
		for range 3 {
			if got := chat(s, "status 500"); got.status != 500 || got.header.Get("X-Should-Retry") != "false" {
				t.Errorf("got %+v", got)
			}
		}
	})
	s := f.start(Record)
	chat(s, "status 401")
	s.Close(true)
	if s.Err() == nil {
		t.Error("an error of the key was recorded")
	}
	f.noKey()
}

func TestUnreachable(t *testing.T) {
	f := newFixture(t)
	f.llm.Close()
	s := f.start(Record)
	if got := chat(s, "x"); got.status != http.StatusBadGateway || got.header.Get("X-Should-Retry") != "" {
		t.Errorf("got %+v", got)
	}
	s.Close(true)
	if err := s.Err(); err == nil || strings.Contains(err.Error(), "completions\":") {
		t.Error(err)
	}
}

func TestKeyInAnswer(t *testing.T) {
	f := newFixture(t)
	for _, prompt := range []string{"leak", "my key is " + testserver.LLMKey} {
		s := f.start(Record)
		chat(s, prompt)
		s.Close(true)
		if err := s.Err(); err == nil || s.Keep() == nil {
			t.Errorf("%s: it was recorded", prompt)
		}
		f.noKey()
	}
}
