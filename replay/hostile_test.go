package replay

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xtrepro/xt/internal/testserver"
	"github.com/xtrepro/xt/seedenv"
)

func TestBrokenStream(t *testing.T) {
	f := newFixture(t)
	s := f.start(Record)
	got := post(s, "OPENAI_BASE_URL", "/chat/completions", `{"stream":true,"model":"m","messages":[{"role":"user","content":"break it"}]}`)
	if got.err == nil || !strings.Contains(got.body, "answer") {
		t.Errorf("got %+v", got)
	}
	s.Close(true)
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "its answer broke off") {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(f.opts.Aside); len(entries) != 0 {
		t.Errorf("half an answer was stored: %v", entries)
	}
}

// TestKilled ends a session, as the end of a command does, in the middle of a stream.
func TestKilled(t *testing.T) {
	f := newFixture(t)
	s := f.start(Record)
	base, _ := seedenv.Lookup(s.Environ(), "OPENAI_BASE_URL")
	req, _ := http.NewRequest("POST", base+"/chat/completions", strings.NewReader(`{"stream":true,"model":"m","messages":[{"content":"slow one two three"}]}`))
	req.Header.Set("Authorization", "Bearer "+testserver.LLMKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || !strings.HasPrefix(line, "data: ") {
		t.Fatalf("%q, %v", line, err)
	}
	s.Close(false)
	if entries, _ := os.ReadDir(f.opts.Aside); len(entries) != 0 || s.Keep() == nil {
		t.Errorf("half an answer was stored: %v", entries)
	}
}

// TestImpatient asks again when the first attempt was given up before anything of
// the answer came: it is the same number.
func TestImpatient(t *testing.T) {
	slow := make(chan struct{})
	var asked sync.WaitGroup
	asked.Add(1)
	f := newFixture(t)
	upstream := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Done() // and panics at a second call
		<-slow
		_, _ = io.WriteString(w, "{}")
	})}
	l := listen(t)
	go func() { _ = upstream.Serve(l) }()
	t.Cleanup(func() { _ = upstream.Close() })
	f.opts.Caller = []string{"OPENAI_BASE_URL=http://" + l.Addr().String()}
	sum := f.session(Record, func(s *Session) {
		ctx, cancel := context.WithCancel(context.Background())
		gone := make(chan reply)
		go func() {
			gone <- post(s, "OPENAI_BASE_URL", "/x", "{}", func(r *http.Request) { *r = *r.WithContext(ctx) })
		}()
		asked.Wait()
		cancel()
		if got := <-gone; got.err == nil {
			t.Errorf("got %+v", got)
		}
		for released := false; !released; time.Sleep(time.Millisecond) {
			s.mu.Lock()
			for _, q := range s.queues {
				released = !q.calls[0].held
			}
			s.mu.Unlock()
		}
		go func() { time.Sleep(10 * time.Millisecond); close(slow) }()
		if got := post(s, "OPENAI_BASE_URL", "/x", "{}"); got.body != "{}" {
			t.Errorf("got %+v", got)
		}
	})
	if sum.Calls != 1 || len(f.files()) != 1 {
		t.Errorf("%+v, %q", sum, f.files())
	}
}

func TestHostile(t *testing.T) {
	f := newFixture(t)
	s := f.start(Record)
	base, _ := seedenv.Lookup(s.Environ(), "OPENAI_BASE_URL")
	for _, at := range []string{
		"http://" + s.addr + "/v1/models",
		strings.Replace(base, s.secret, strings.Repeat("x", len(s.secret)), 1) + "/models",
		base + "/../admin", base + "/%2e%2e/admin", base + `/x%2f..%2f..%2fadmin`,
		strings.TrimSuffix(base, "/v1") + "/admin",
	} {
		res, err := http.Get(at)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", at, res.Status)
		}
	}
	if calls := f.llm.Calls(); len(calls) != 0 {
		t.Errorf("asked %q", calls)
	}
}

func TestRedirect(t *testing.T) {
	f := newFixture(t)
	l := listen(t)
	h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, f.llm.URL+"/v1/chat/completions", http.StatusTemporaryRedirect)
	})}
	go func() { _ = h.Serve(l) }()
	t.Cleanup(func() { _ = h.Close() })
	f.opts.Caller = []string{"OPENAI_BASE_URL=http://" + l.Addr().String()}
	s := f.start(Record)
	if got := chat(s, "x"); got.status != http.StatusBadGateway || got.header.Get("Location") != "" {
		t.Errorf("got %+v", got)
	}
	if calls := f.llm.Calls(); len(calls) != 0 {
		t.Errorf("the key went to another host: %q", calls)
	}
}

func TestUpstreams(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://api.example.com/v1": true, "http://localhost:8000": true, "http://127.0.0.1:1/v1": true, "http://[::1]:1": true,
		"http://10.0.0.1": false, "http://localhost.example.com": false, "ftp://localhost": false, "api.example.com": false, "": false,
	} {
		if err := CheckUpstream(address); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	_, err := Start(context.Background(), Options{Mode: Record, Dir: t.TempDir(), Caller: []string{"OPENAI_BASE_URL=http://user:hunter2@example.com"}})
	var bad *UpstreamError
	if !errors.As(err, &bad) || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

func TestEnviron(t *testing.T) {
	f := newFixture(t)
	f.opts.Environ = append(f.opts.Environ, "HTTP_PROXY=http://proxy:1", "NO_PROXY=example.com")
	f.opts.Upstreams = map[string]string{"MISTRAL_API_BASE": f.llm.URL}
	f.session(Record, func(s *Session) {
		for variable, want := range map[string]string{"OPENAI_API_BASE": "/openai_api_base/v1", "ANTHROPIC_BASE_URL": "/anthropic_base_url", "MISTRAL_API_BASE": "/mistral_api_base", "NO_PROXY": "example.com,127.0.0.1"} {
			if got, _ := seedenv.Lookup(s.Environ(), variable); !strings.HasSuffix(got, want) {
				t.Errorf("%s=%s", variable, got)
			}
		}
		for _, variable := range []string{"OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"} {
			if got, ok := seedenv.Lookup(s.Environ(), variable); ok {
				t.Errorf("%s=%s", variable, got)
			}
		}
		post(s, "MISTRAL_API_BASE", "/chat/completions", "{}")
		chat(s, "x")
	})
	f.session(Replay, func(s *Session) {
		if got, _ := seedenv.Lookup(s.Environ(), "OPENAI_API_KEY"); got != placeholder {
			t.Errorf("OPENAI_API_KEY=%s", got)
		}
		if got, ok := seedenv.Lookup(s.Environ(), "ANTHROPIC_API_KEY"); ok {
			t.Errorf("ANTHROPIC_API_KEY=%s", got)
		}
		post(s, "MISTRAL_API_BASE", "/chat/completions", "{}")
		chat(s, "x")
	})
}

func TestDamagedRecording(t *testing.T) {
	f := newFixture(t)
	f.session(Record, func(s *Session) { chat(s, "x") })
	name := filepath.Join(f.opts.Dir, f.files()[0])
	good, _ := os.ReadFile(name)
	for _, text := range []string{"", "{}", string(good[:len(good)/2]), strings.Replace(string(good), `"x"`, `"y"`, 1)} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		s := f.start(Record)
		chat(s, "x")
		s.Close(true)
		var bad *RecordingError
		if err := s.Err(); !errors.As(err, &bad) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if calls := f.llm.Calls(); len(calls) != 1 {
		t.Errorf("asked %q", calls)
	}
}

func TestTooLarge(t *testing.T) {
	f := newFixture(t)
	s := f.start(Record)
	if got := post(s, "OPENAI_BASE_URL", "/x", strings.Repeat("x", maxBody+1)); got.err == nil && got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("got %+v", got)
	}
	s.Close(true)
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "the request has more than 64 MiB") {
		t.Error(err)
	}
}
