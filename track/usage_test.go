package track

import (
	"strconv"
	"testing"
)

func TestTokenUsage(t *testing.T) {
	t.Parallel()
	span := func(id, parent, usage string) Span {
		s := Span{ID: id, Parent: parent, Content: `{"attributes": {}}`}
		if usage != "" {
			s.Content = `{"name": "NaN", "attributes": {"x": "NaN", "mlflow.chat.tokenUsage": ` + strconv.Quote(usage) + `}}`
		}
		return s
	}
	for _, c := range []struct {
		name  string
		spans []Span
		want  string
	}{
		{"no span", nil, ""},
		{"spans without counts", []Span{span("a", "", ""), span("b", "a", "")}, ""},
		{"what is not counts", []Span{span("a", "", "7"), span("b", "", "{")}, ""},
		{"siblings are summed", []Span{span("b", "a", `{"input_tokens": 2, "output_tokens": 3, "total_tokens": 5}`), span("a", "", ""), span("c", "a", `{"input_tokens": 1, "cache_read_input_tokens": 4}`)},
			`{"input_tokens": 3, "output_tokens": 3, "total_tokens": 5, "cache_read_input_tokens": 4}`},
		{"a parent has the sum of its children", []Span{span("b", "a", `{"input_tokens": 2}`), span("a", "", `{"input_tokens": 3}`), span("c", "b", `{"input_tokens": 2}`)},
			`{"input_tokens": 3, "output_tokens": 0, "total_tokens": 0}`},
		{"a parent that is elsewhere", []Span{span("b", "z", `{"input_tokens": 2}`)}, `{"input_tokens": 2, "output_tokens": 0, "total_tokens": 0}`},
		{"a text of JSON", []Span{span("a", "", `"{\"input_tokens\": 2}"`)}, `{"input_tokens": 2, "output_tokens": 0, "total_tokens": 0}`},
		{"spans in a ring", []Span{span("a", "b", `{"input_tokens": 2}`), span("b", "a", "")}, ""},
	} {
		if got := TokenUsage(c.spans); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
}
