package track

import (
	"encoding/json"
	"strconv"
	"strings"
)

// The metadata of traces that MLflow's clients set and look for.
const (
	TraceUsageKey     = "mlflow.trace.tokenUsage"
	TraceSessionKey   = "mlflow.trace.session"
	TraceUserKey      = "mlflow.trace.user"
	TraceFinalizedKey = "mlflow.trace.infoFinalized" // a client has told of the whole trace
)

// UsageAttribute is the attribute of a span that says how many tokens a language
// model read and wrote, for the span and all below it.
const UsageAttribute = "mlflow.chat.tokenUsage"

// usageKeys are the counts in it. The first three are always told of a trace.
var usageKeys = [...]string{"input_tokens", "output_tokens", "total_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"}

// Attribute returns an attribute of a span as JSON, "" without it.
func (s *Span) Attribute(key string) string {
	if !strings.Contains(s.Content, `"`+key+`"`) {
		return "" // most have none: they need not be read
	}
	var content struct {
		Attributes map[string]json.RawMessage `json:"attributes"`
	}
	if json.Unmarshal([]byte(s.Content), &content) != nil {
		return ""
	}
	value := content.Attributes[key]
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

// AttributeText returns an attribute of a span as the text that it is; as JSON if it is
// something else.
func (s *Span) AttributeText(key string) string {
	value := s.Attribute(key)
	var text string
	if json.Unmarshal([]byte(value), &text) == nil {
		return text
	}
	return value
}

// usage returns the counts of a span, nil if it has none. Clients that know texts only
// write them as one.
func (s *Span) usage() map[string]json.RawMessage {
	var counts map[string]json.RawMessage
	if json.Unmarshal([]byte(s.AttributeText(UsageAttribute)), &counts) != nil {
		return nil
	}
	return counts
}

// TokenUsage returns how many tokens a trace took as far as its spans tell, as
// MLflow's clients read it, and "" if no span does. What is below a span that
// does is not counted again.
func TokenUsage(spans []Span) string {
	below, there := map[string][]*Span{}, map[string]bool{}
	for i := range spans {
		there[spans[i].ID] = true
	}
	var todo []*Span
	for i := range spans {
		if s := &spans[i]; there[s.Parent] {
			below[s.Parent] = append(below[s.Parent], s)
		} else {
			todo = append(todo, s)
		}
	}
	var sum map[string]int64
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		counts := s.usage()
		if counts == nil {
			todo = append(todo, below[s.ID]...)
			continue
		}
		if sum == nil {
			sum = map[string]int64{}
		}
		for _, key := range usageKeys {
			if n, err := strconv.ParseInt(string(counts[key]), 10, 64); err == nil {
				sum[key] += n
			}
		}
	}
	return writeUsage(sum)
}

func writeUsage(sum map[string]int64) string {
	if sum == nil {
		return ""
	}
	var parts []string
	for i, key := range usageKeys {
		if n, ok := sum[key]; ok || i < 3 {
			parts = append(parts, strconv.Quote(key)+": "+strconv.FormatInt(n, 10))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
