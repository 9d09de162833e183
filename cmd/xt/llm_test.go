package main

import (
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xtrepro/xt/internal/testserver"
)

type llmKey struct{}

// llm starts a server that speaks the APIs of language models, at $LLM with the key
// $LLM_KEY, and says which prompts it was asked since it was last asked itself:
//
//	llm serve
//	llm asked 'hello' 'and again'
//	llm forget                       # what it was asked so far
func llm(ts *testscript.TestScript, neg bool, args []string) {
	s, _ := ts.Value(llmKey{}).(*llmServer)
	if neg || s == nil || len(args) == 0 {
		ts.Fatalf("usage: llm serve | asked PROMPT… | forget")
	}
	switch args[0] {
	case "serve":
		s.LLM = testserver.NewLLM()
		ts.Defer(s.Close)
		ts.Setenv("LLM", s.URL)
		ts.Setenv("LLM_KEY", testserver.LLMKey)
	case "forget":
		s.Calls()
	case "asked":
		if got := strings.Join(s.Calls(), "\n"); got != strings.Join(args[1:], "\n") {
			ts.Fatalf("asked %q", got)
		}
	}
}

type llmServer struct{ *testserver.LLM }
