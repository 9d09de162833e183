package mlflow

import (
	"slices"
	"strconv"
	"strings"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/xtrepro/xt/track"
)

// convention is how instruments other than MLflow's name what MLflow's clients
// and its page look for in a span. Of several attributes the first counts.
type convention struct {
	kind            string            // attribute that says what a span is
	types           map[string]string // kind -> type in MLflow
	input, output   string            // numbers of tokens
	total           string
	read, written   []string // tokens of these in a cache
	model           []string
	provider        string
	inputs, outputs []string
}

// conventions are in the order in which MLflow's server tries them: those of
// OpenInference, of OpenTelemetry and of Traceloop.
var conventions = []convention{
	{
		kind:  "openinference.span.kind",
		types: map[string]string{"TOOL": "TOOL", "CHAIN": "CHAIN", "LLM": "LLM", "RETRIEVER": "RETRIEVER", "EMBEDDING": "EMBEDDING", "AGENT": "AGENT", "RERANKER": "RERANKER", "GUARDRAIL": "GUARDRAIL", "EVALUATOR": "EVALUATOR"},
		input: "llm.token_count.prompt", output: "llm.token_count.completion", total: "llm.token_count.total",
		read: []string{"llm.token_count.prompt_details.cache_read"}, written: []string{"llm.token_count.prompt_details.cache_write"},
		model:    []string{"llm.response.model_name", "llm.model_name", "llm.request.model_name", "embedding.model_name"},
		provider: "llm.provider", inputs: []string{"input.value"}, outputs: []string{"output.value"},
	},
	{
		kind:  "gen_ai.operation.name",
		types: map[string]string{"chat": "CHAT_MODEL", "create_agent": "AGENT", "embeddings": "EMBEDDING", "execute_tool": "TOOL", "generate_content": "LLM", "invoke_agent": "AGENT", "text_completion": "LLM", "response": "LLM"},
		input: "gen_ai.usage.input_tokens", output: "gen_ai.usage.output_tokens",
		read: []string{"gen_ai.usage.cache_read.input_tokens"}, written: []string{"gen_ai.usage.cache_write.input_tokens", "gen_ai.usage.cache_creation.input_tokens"},
		model:    []string{"gen_ai.response.model", "gen_ai.request.model"},
		provider: "gen_ai.provider.name", inputs: []string{"gen_ai.input.messages", "gen_ai.tool.call.arguments"}, outputs: []string{"gen_ai.output.messages", "gen_ai.tool.call.result"},
	},
	{
		kind:  "traceloop.span.kind",
		types: map[string]string{"workflow": "WORKFLOW", "task": "TASK", "agent": "AGENT", "tool": "TOOL"},
		input: "gen_ai.usage.prompt_tokens", output: "gen_ai.usage.completion_tokens", total: "llm.usage.total_tokens",
		provider: "gen_ai.system", inputs: []string{"traceloop.entity.input"}, outputs: []string{"traceloop.entity.output"},
	},
}

// translate adds the attributes that MLflow knows to those of a span that says
// the same in another way.
func translate(attributes []*commonpb.KeyValue) []*commonpb.KeyValue {
	have := map[string]*commonpb.AnyValue{}
	for _, a := range attributes {
		have[a.Key] = a.Value
	}
	all := attributes[:len(attributes):len(attributes)]
	add := func(key string, find func(*convention) *commonpb.AnyValue) {
		if have[key] != nil {
			return
		}
		for i := range conventions {
			if v := find(&conventions[i]); v != nil {
				all = append(all, &commonpb.KeyValue{Key: key, Value: v})
				return
			}
		}
	}
	first := func(keys ...string) *commonpb.AnyValue {
		for _, key := range keys {
			if v := have[key]; v.GetValue() != nil && !isEmptyText(v) {
				return v
			}
		}
		return nil
	}
	add(spanTypeAttribute, func(c *convention) *commonpb.AnyValue { return textValue(c.types[have[c.kind].GetStringValue()]) })
	add("mlflow.spanInputs", func(c *convention) *commonpb.AnyValue { return first(c.inputs...) })
	add("mlflow.spanOutputs", func(c *convention) *commonpb.AnyValue { return first(c.outputs...) })
	add(track.UsageAttribute, func(c *convention) *commonpb.AnyValue { return c.usage(have) })
	add("mlflow.llm.model", func(c *convention) *commonpb.AnyValue { return first(c.model...) })
	add("mlflow.llm.provider", func(c *convention) *commonpb.AnyValue { return first(c.provider) })
	return all
}

// isEmptyText reports whether a value is a text that says nothing, also as JSON.
func isEmptyText(v *commonpb.AnyValue) bool {
	text, ok := v.GetValue().(*commonpb.AnyValue_StringValue)
	return ok && slices.Contains([]string{"", `""`, "[]", "{}", "null"}, text.StringValue)
}

func textValue(text string) *commonpb.AnyValue {
	if text == "" {
		return nil
	}
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: text}}
}

// usage returns the numbers of tokens as MLflow's clients write them.
func (c *convention) usage(have map[string]*commonpb.AnyValue) *commonpb.AnyValue {
	count := func(keys ...string) (int64, bool) {
		for _, key := range keys {
			switch v := have[key].GetValue().(type) {
			case *commonpb.AnyValue_IntValue:
				return v.IntValue, true
			case *commonpb.AnyValue_StringValue:
				if n, err := strconv.ParseInt(strings.Trim(v.StringValue, `"`), 10, 64); err == nil {
					return n, true
				}
			}
		}
		return 0, false
	}
	var list []*commonpb.KeyValue
	add := func(key string, n int64, ok bool) {
		if ok {
			list = append(list, &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: n}}})
		}
	}
	input, hasInput := count(c.input)
	output, hasOutput := count(c.output)
	total, hasTotal := count(c.total)
	if !hasTotal && hasInput && hasOutput {
		total, hasTotal = input+output, true
	}
	add("input_tokens", input, hasInput)
	add("output_tokens", output, hasOutput)
	add("total_tokens", total, hasTotal)
	if list == nil {
		return nil
	}
	n, ok := count(c.read...)
	add("cache_read_input_tokens", n, ok)
	n, ok = count(c.written...)
	add("cache_creation_input_tokens", n, ok)
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{Values: list}}}
}
