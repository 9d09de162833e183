package replay

import (
	"encoding/json"
	"strings"
)

// usage is what providers say of the tokens of an answer, by several names.
type usage struct {
	Total      int64 `json:"total_tokens"`
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
	Input      int64 `json:"input_tokens"`
	Output     int64 `json:"output_tokens"`
	Created    int64 `json:"cache_creation_input_tokens"`
	Read       int64 `json:"cache_read_input_tokens"`
}

func (u *usage) tokens() int64 {
	if u.Total > 0 {
		return u.Total
	}
	return u.Prompt + u.Completion + u.Input + u.Output + u.Created + u.Read
}

// grow takes the larger of two counts: in a stream they add up.
func (u *usage) grow(v *usage) {
	for _, p := range []struct {
		to *int64
		n  int64
	}{{&u.Total, v.Total}, {&u.Prompt, v.Prompt}, {&u.Completion, v.Completion}, {&u.Input, v.Input}, {&u.Output, v.Output}, {&u.Created, v.Created}, {&u.Read, v.Read}} {
		*p.to = max(*p.to, p.n)
	}
}

// usageIn is where an answer, or an event of a stream, says it.
type usageIn struct {
	Usage   *usage `json:"usage"`
	Message struct {
		Usage *usage `json:"usage"`
	} `json:"message"`
	Response struct {
		Usage *usage `json:"usage"`
	} `json:"response"`
	Gemini struct {
		Total int64 `json:"totalTokenCount"`
	} `json:"usageMetadata"`
}

// Tokens returns how many tokens the answer took, question included; 0 if it does
// not say.
func (r *Response) Tokens() int64 {
	var sum usage
	add := func(text []byte) {
		var at usageIn
		// A message may be a text elsewhere: what could be read counts.
		_ = json.Unmarshal(text, &at)
		for _, u := range []*usage{at.Usage, at.Message.Usage, at.Response.Usage, {Total: at.Gemini.Total}} {
			if u != nil {
				sum.grow(u)
			}
		}
	}
	if r.JSON != nil {
		add(r.JSON)
	}
	for i := range r.Events {
		if r.Events[i].Data != nil {
			add(r.Events[i].Data)
		} else if data, ok := dataOf(r.Events[i].Text); ok {
			add([]byte(data))
		}
	}
	return sum.tokens()
}

// dataOf returns the data of an event that is not spelled as usual, if it is one
// line.
func dataOf(event string) (string, bool) {
	for line := range strings.Lines(event) {
		if data, ok := strings.CutPrefix(line, "data:"); ok {
			return strings.TrimSpace(data), true
		}
	}
	return "", false
}
