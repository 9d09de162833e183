package testserver

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
)

// LLMKey is the key without which an [LLM] answers nothing.
const LLMKey = "sk-test-0123456789abcdef-of-nobody"

// LLM is a server that speaks the documented shapes of OpenAI's and Anthropic's
// HTTP APIs: chat completions, responses, embeddings, files and models; and
// messages. Each answer is another one, also to the same prompt. What it does
// besides, the last message says:
//
//	status 400      an error, always
//	flaky 503 NAME  an error once
//	slow NAME       half an answer; the rest only when the client has left
//	break NAME      half an answer, and no more
//	leak            the key in the answer
type LLM struct {
	URL string

	server *httptest.Server
	mu     sync.Mutex
	calls  []string // the prompts, in the order in which they came
	flaked map[string]bool
	count  int
}

// NewLLM starts a server on loopback, which the caller closes.
func NewLLM() *LLM {
	s := &LLM{flaked: map[string]bool{}}
	s.server = httptest.NewServer(s)
	s.URL = s.server.URL
	return s
}

// Close ends the server.
func (s *LLM) Close() { s.server.CloseClientConnections(); s.server.Close() }

// Calls returns the prompts since it was last asked.
func (s *LLM) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

// question is what is read of a request.
type question struct {
	Model    string `json:"model"`
	Stream   bool   `json:"stream"`
	Messages []struct {
		Content any `json:"content"`
	} `json:"messages"`
	Input any               `json:"input"`
	Tools []json.RawMessage `json:"tools"`
}

func (q *question) prompt() string {
	if len(q.Messages) > 0 {
		return fmt.Sprint(q.Messages[len(q.Messages)-1].Content)
	}
	return fmt.Sprint(q.Input)
}

// ServeHTTP implements [http.Handler].
func (s *LLM) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var q question
	_ = json.Unmarshal(body, &q)
	prompt := q.prompt()
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		prompt = fmt.Sprintf("a form of %d bytes", len(body))
	}
	s.mu.Lock()
	s.calls = append(s.calls, prompt)
	s.count++
	n := s.count
	s.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+LLMKey && r.Header.Get("X-Api-Key") != LLMKey && r.URL.Query().Get("key") != LLMKey {
		fail(w, r, 401, "invalid key "+r.Header.Get("Authorization"))
		return
	}
	w.Header().Set("X-Request-Id", fmt.Sprintf("req_%d", n))
	w.Header().Set("Set-Cookie", "session="+LLMKey)
	if status := s.status(prompt); status != 0 {
		fail(w, r, status, "as you asked")
		return
	}
	text := fmt.Sprintf("answer %d to %s", n, prompt)
	if prompt == "leak" {
		text = "your key is " + LLMKey
	}
	s.answer(w, r, &q, prompt, text)
}

// status returns the error that a prompt asks for; 0 for none.
func (s *LLM) status(prompt string) int {
	words := strings.Fields(prompt)
	if len(words) < 2 {
		return 0
	}
	status, err := strconv.Atoi(words[1])
	if err != nil || words[0] != "status" && words[0] != "flaky" {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if words[0] == "flaky" && s.flaked[prompt] {
		return 0
	}
	s.flaked[prompt] = true
	return status
}

func fail(w http.ResponseWriter, r *http.Request, status int, msg string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After-Ms", "1")
	w.WriteHeader(status)
	if strings.HasSuffix(r.URL.Path, "/messages") {
		fmt.Fprintf(w, `{"type":"error","error":{"type":"api_error","message":%q}}`, msg)
		return
	}
	fmt.Fprintf(w, "{\n  \"error\": {\n    \"message\": %q,\n    \"type\": \"server_error\"\n  }\n}\n", msg)
}

func (s *LLM) answer(w http.ResponseWriter, r *http.Request, q *question, prompt, text string) {
	events := chatEvents
	if strings.HasSuffix(r.URL.Path, "/messages") {
		events = messageEvents
	}
	if q.Stream {
		stream(w, r, events(q, text), prompt)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/messages"):
		fmt.Fprintf(w, `{"id":"msg_1","type":"message","role":"assistant","model":%q,"content":[{"type":"text","text":%q}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":7,"output_tokens":5}}`, q.Model, text)
	case strings.HasSuffix(r.URL.Path, "/embeddings"):
		fmt.Fprintf(w, `{"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [%d.5, -0.25]}], "model": %q, "usage": {"prompt_tokens": 3, "total_tokens": 3}}`, len(text), q.Model)
	case strings.HasSuffix(r.URL.Path, "/responses"):
		fmt.Fprintf(w, "{\n  \"id\": \"resp_1\",\n  \"object\": \"response\",\n  \"created_at\": 1700000000,\n  \"model\": %q,\n  \"output\": [\n    {\n      \"type\": \"message\",\n      \"id\": \"m\",\n      \"status\": \"completed\",\n      \"role\": \"assistant\",\n      \"content\": [\n        {\n          \"type\": \"output_text\",\n          \"text\": %q,\n          \"annotations\": []\n        }\n      ]\n    }\n  ],\n  \"parallel_tool_calls\": true,\n  \"tool_choice\": \"auto\",\n  \"tools\": [],\n  \"usage\": {\n    \"input_tokens\": 7,\n    \"output_tokens\": 5,\n    \"total_tokens\": 12\n  }\n}\n", q.Model, text)
	case strings.HasSuffix(r.URL.Path, "/models"):
		fmt.Fprint(w, `{"object":"list","data":[{"id":"gpt-test","object":"model","created":1,"owned_by":"nobody"}]}`)
	case strings.HasSuffix(r.URL.Path, "/files"):
		fmt.Fprintf(w, `{"id":"file-1","object":"file","bytes":3,"created_at":1,"filename":"a.jsonl","purpose":"batch","status":"processed"}`)
	case len(q.Tools) > 0:
		arguments, _ := json.Marshal(map[string]string{"city": text})
		fmt.Fprintf(w, `{"id":"c","object":"chat.completion","created":1700000000,"model":%q,"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":%q}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}`, q.Model, arguments)
	default:
		fmt.Fprintf(w, `{"id":"c","object":"chat.completion","created":1700000000,"model":%q,"choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12}}`, q.Model, text)
	}
}

// stream sends events one by one.
func stream(w http.ResponseWriter, r *http.Request, events []string, prompt string) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	for i, e := range events {
		if i == len(events)/2 {
			switch first, _, _ := strings.Cut(prompt, " "); first {
			case "slow":
				<-r.Context().Done()
				return
			case "break":
				panic(http.ErrAbortHandler)
			}
		}
		_, _ = io.WriteString(w, e)
		_ = http.NewResponseController(w).Flush()
	}
}

func chatEvents(q *question, text string) []string {
	var events []string
	for _, word := range strings.SplitAfter(text, " ") {
		events = append(events, fmt.Sprintf("data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":%q,\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":null}]}\n\n", q.Model, word))
	}
	return append(events,
		fmt.Sprintf("data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":%q,\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":12}}\n\n", q.Model),
		"data: [DONE]\n\n")
}

func messageEvents(q *question, text string) []string {
	event := func(name, data string) string {
		return fmt.Sprintf("event: %s\ndata: {\"type\":%q%s}\n\n", name, name, data)
	}
	events := []string{
		event("message_start", fmt.Sprintf(`,"message":{"id":"msg_1","type":"message","role":"assistant","model":%q,"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":7,"output_tokens":1}}`, q.Model)),
		event("content_block_start", `,"index":0,"content_block":{"type":"text","text":""}`),
		event("ping", ""),
	}
	for _, word := range strings.SplitAfter(text, " ") {
		events = append(events, event("content_block_delta", fmt.Sprintf(`,"index":0,"delta":{"type":"text_delta","text":%q}`, word)))
	}
	return append(events, event("content_block_stop", `,"index":0`),
		event("message_delta", `,"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}`),
		event("message_stop", ""))
}
