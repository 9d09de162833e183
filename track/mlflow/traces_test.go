package mlflow

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// spans is what OpenTelemetry's JavaScript sends.
const spans = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[
{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173","name":"inner","startTimeUnixNano":"1544712660100000000","endTimeUnixNano":"1544712660200000000",
 "attributes":[{"key":"n","value":{"intValue":"3"}},{"key":"x","value":{"doubleValue":1.5}},{"key":"ok","value":{"boolValue":true}},{"key":"list","value":{"arrayValue":{"values":[{"stringValue":"a"},{}]}}},
  {"key":"map","value":{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"1"}}]}}},{"key":"mlflow.spanType","value":{"stringValue":"LLM"}}],
 "events":[{"name":"e","timeUnixNano":"1544712660150000000","attributes":[{"key":"a","value":{"stringValue":"b"}}]}],"status":{"code":2,"message":"bad"}},
{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b173","name":"outer","startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000","status":{"code":1}}]}]}]}`

func TestOpenTelemetry(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	e, run := s.newRun("otel")
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	if _, err := z.Write([]byte(spans)); err != nil {
		t.Fatal(err)
	}
	z.Close()
	req, _ := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/v1/traces", &body)
	for name, value := range map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip", "x-mlflow-experiment-id": e, "x-mlflow-run-id": run} {
		req.Header.Set(name, value)
	}
	if resp, body := s.do(req); resp.StatusCode != 200 {
		t.Fatalf("%s: %s", resp.Status, body)
	}
	const id = "tr-5b8efff798038103d269b633813fc60c"
	trace := s.get("/api/3.0/mlflow/traces/get?trace_id=" + id)
	info, span := at(trace, "trace", "trace_info"), at(trace, "trace", "spans", 1)
	for _, c := range []struct {
		got  any
		want string
	}{
		{at(info, "state"), `"OK"`},
		{at(info, "request_time"), `"2018-12-13T14:51:00.000Z"`},
		{at(info, "execution_duration"), `"1s"`},
		{at(info, "tags", "service.name"), `"shop"`},
		{at(info, "tags", "mlflow.trace.spansLocation"), `"TRACKING_STORE"`},
		{at(span, "name"), `"inner"`},
		{at(span, "trace_id"), `"W47/95gDgQPSabYzgT/GDA=="`},
		{at(span, "parent_span_id"), `"7uGbfsPBsXM="`},
		{at(span, "status"), `{"code":"STATUS_CODE_ERROR","message":"bad"}`},
		{at(span, "events", 0, "attributes", 0), `{"key":"a","value":{"string_value":"b"}}`},
		{at(span, "attributes", 0), `{"key":"n","value":{"int_value":3}}`},
		{at(span, "attributes", 1), `{"key":"x","value":{"double_value":1.5}}`},
		{at(span, "attributes", 2), `{"key":"ok","value":{"bool_value":true}}`},
		{at(span, "attributes", 3), `{"key":"list","value":{"array_value":{"values":[{"string_value":"a"},{}]}}}`},
		{at(span, "attributes", 4), `{"key":"map","value":{"kvlist_value":{"values":[{"key":"k","value":{"string_value":"1"}}]}}}`},
		{at(span, "attributes", 6), `{"key":"mlflow.traceRequestId","value":{"string_value":"` + id + `"}}`},
	} {
		if got, _ := json.Marshal(c.got); string(got) != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	found := s.must(s.send("POST", "/api/3.0/mlflow/traces/search", `{"locations":[{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"`+e+`"}}],"filter":"span.attributes.n = '3' AND span.type = 'LLM'"}`))
	if at(found, "traces", 0, "trace_id") != id {
		t.Errorf("search: %v", found)
	}
}

// TestGenAI has instruments that know nothing of MLflow tell what models read and wrote.
func TestGenAI(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	text := func(key, value string) string { return `{"key":"` + key + `","value":{"stringValue":"` + value + `"}}` }
	count := func(key, n string) string { return `{"key":"` + key + `","value":{"intValue":"` + n + `"}}` }
	send := func(span, parent string, attributes ...string) {
		t.Helper()
		body := `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"` + span + `","parentSpanId":"` + parent + `","name":"` + span + `","startTimeUnixNano":"1","endTimeUnixNano":"2","attributes":[` + strings.Join(attributes, ",") + `]}]}]}]}`
		req, _ := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/v1/traces", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("x-mlflow-experiment-id", "0")
		if resp, body := s.do(req); resp.StatusCode != 200 {
			t.Fatalf("%s: %s", resp.Status, body)
		}
	}
	const get, id = "/api/3.0/mlflow/traces/get?trace_id=", "tr-5b8efff798038103d269b633813fc60c"
	metadata := func() any { return at(s.get(get+id), "trace", "trace_info", "trace_metadata") }
	send("00000000000000a1", "00000000000000aa", text("gen_ai.operation.name", "chat"), count("gen_ai.usage.input_tokens", "10"), count("gen_ai.usage.output_tokens", "5"), count("gen_ai.usage.cache_creation.input_tokens", "3"),
		text("gen_ai.request.model", "gpt"), text("gen_ai.provider.name", "openai"), text("gen_ai.conversation.id", "talk"), text("gen_ai.input.messages", "hi"), text("gen_ai.output.messages", "[]"))
	if got, _ := json.Marshal(metadata()); string(got) != `{"mlflow.trace.session":"talk","mlflow.trace.tokenUsage":"{\"input_tokens\": 10, \"output_tokens\": 5, \"total_tokens\": 15, \"cache_creation_input_tokens\": 3}"}` {
		t.Errorf("of the first: %s", got)
	}
	send("00000000000000a2", "00000000000000aa", text("openinference.span.kind", "LLM"), text("llm.token_count.prompt", "1"), count("llm.token_count.completion", "2"), count("llm.token_count.total", "4"), text("session.id", "other"), text("user.id", "ann"))
	send("00000000000000a3", "00000000000000a2", text("traceloop.span.kind", "task"), count("gen_ai.usage.prompt_tokens", "1"), count("gen_ai.usage.completion_tokens", "2"))
	send("00000000000000aa", "", text("mlflow.spanType", "AGENT"))
	if got, _ := json.Marshal(metadata()); string(got) != `{"mlflow.trace.session":"talk","mlflow.trace.tokenUsage":"{\"input_tokens\": 11, \"output_tokens\": 7, \"total_tokens\": 19, \"cache_creation_input_tokens\": 3}","mlflow.trace.user":"ann"}` {
		t.Errorf("of all: %s", got)
	}
	for filter, want := range map[string]bool{
		"span.type = 'CHAT_MODEL' AND span.attributes.mlflow.llm.model = 'gpt'": true, "span.type = 'LLM'": true, "span.type = 'TASK'": true, "span.type = 'AGENT'": true,
		"span.attributes.mlflow.llm.provider = 'openai'": true, "span.attributes.mlflow.spanInputs = 'hi'": true, "span.attributes.mlflow.spanOutputs = '[]'": false, "span.type = 'UNKNOWN'": false,
	} {
		query, _ := json.Marshal(map[string]any{"locations": []any{map[string]any{"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": map[string]any{"experiment_id": "0"}}}, "filter": filter})
		found := s.must(s.send("POST", "/api/3.0/mlflow/traces/search", string(query)))
		if (at(found, "traces", 0, "trace_id") == id) != want {
			t.Errorf("%s: %v", filter, found)
		}
	}
	// What a client says of the whole trace counts.
	s.must(s.send("POST", "/api/3.0/mlflow/traces", `{"trace":{"trace_info":{"trace_id":"`+id+`","trace_location":{"type":"MLFLOW_EXPERIMENT","mlflow_experiment":{"experiment_id":"0"}},"request_time":"2024-01-01T00:00:00Z","state":"OK","trace_metadata":{"mlflow.trace.tokenUsage":"told"}}}}`))
	send("00000000000000a4", "00000000000000aa", count("gen_ai.usage.input_tokens", "10"))
	if got := at(metadata(), "mlflow.trace.tokenUsage"); got != "told" {
		t.Errorf("counted again: %v", got)
	}
}

func TestOpenTelemetryRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, c := range []struct{ kind, encoding, experiment, body string }{
		{"application/json", "", "", spans},
		{"application/json", "", "x", spans},
		{"application/json", "", "0", "{"},
		{"application/json", "", "0", "{}"},
		{"application/json", "", "0", `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00","spanId":"11"}]}]}]}`},
		{"application/json", "gzip", "0", spans},
		{"application/json", "br", "0", spans},
		{"application/x-protobuf", "", "0", "\xff\xff"},
		{"text/plain", "", "0", spans},
	} {
		req, _ := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/v1/traces", bytes.NewReader([]byte(c.body)))
		req.Header.Set("Content-Type", c.kind)
		req.Header.Set("Content-Encoding", c.encoding)
		req.Header.Set("x-mlflow-experiment-id", c.experiment)
		if resp, body := s.do(req); resp.StatusCode != 400 {
			t.Errorf("%.60v: %s: %s", c, resp.Status, body)
		}
	}
}

// Clients before 3.0 name nothing themselves, and tell the end later.
func TestOldTraces(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	start := s.post("/traces", object{"experiment_id": "0", "timestamp_ms": 1000, "request_metadata": []object{{"key": "m", "value": "1"}}, "tags": []object{{"key": "t", "value": "2"}}})
	id := at(start, "trace_info", "request_id").(string)
	if at(start, "trace_info", "status") != "IN_PROGRESS" {
		t.Errorf("the start: %v", start)
	}
	s.must(s.send("PATCH", api+"/traces/"+id, `{"timestamp_ms":1500,"status":"OK","tags":[{"key":"u","value":"3"}]}`))
	info := at(s.get(api+"/traces/"+id+"/info"), "trace_info")
	if at(info, "execution_time_ms") != 500. || at(info, "status") != "OK" || at(info, "timestamp_ms") != 1000. {
		t.Errorf("the end: %v", info)
	}
	if found := s.get(api + "/traces?experiment_ids=0&filter=tags.u%3D%273%27"); at(found, "traces", 0, "request_id") != id {
		t.Errorf("search: %v", found)
	}
	s.post("/traces/link-prompts", object{"trace_id": id, "prompt_versions": []object{{"name": "p", "version": "1"}}})
	s.post("/traces/link-prompts", object{"trace_id": id, "prompt_versions": []object{{"name": "p", "version": "1"}, {"name": "q", "version": "2"}}})
	trace := s.get("/api/3.0/mlflow/traces/" + id)
	if got := at(trace, "trace", "trace_info", "tags", "mlflow.linkedPrompts"); got != `[{"name":"p","version":"1"},{"name":"q","version":"2"}]` {
		t.Errorf("linked: %v", got)
	}
}

// FuzzSpans takes any spans in, and writes JSON of them that can be read.
func FuzzSpans(f *testing.F) {
	data := new(tracepb.TracesData)
	if err := (protojson.UnmarshalOptions{}).Unmarshal([]byte(spans), data); err != nil {
		f.Fatal(err)
	}
	seed, err := proto.Marshal(data)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, body []byte) {
		data := new(tracepb.TracesData)
		if proto.Unmarshal(body, data) != nil {
			return
		}
		spans, _, err := collect(data)
		if err != nil {
			return
		}
		var e encoder
		list(&e, "spans", spans, (*encoder).span)
		if text := "{" + string(e.b) + "}"; !json.Valid([]byte(text)) {
			t.Errorf("%q", text)
		}
	})
}
