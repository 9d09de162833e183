package sql

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xtrepro/xt/track"
)

// traceView is what [Store.TraceMetrics] can count or measure.
type traceView struct {
	from       string
	where      string
	time       string // in milliseconds
	dimensions map[string]column
	metrics    []traceMetric
}

// traceMetric is one number of that.
type traceMetric struct {
	name         string
	aggregations []string // that make sense, sorted
	dimensions   []string // likewise
	value        column
	number       func(text string) (float64, bool) // that a value is, if it is one
	where        string
	distinct     bool // whether values are counted once
	spanTime     bool // whether From and To are about the time of the span, not of the trace
}

// column is an expression, and what has to be joined for it.
type column struct {
	sqlite, postgres string // "" for what SQLite has
	join             string
	kind             columnKind
}

// columnKind is how the text that a column has is read.
type columnKind uint8

const (
	plainText columnKind = iota
	modelName            // a text of JSON
	judgement            // JSON, "" for null
)

func (c column) column(d *dialect) string {
	if d.postgres && c.postgres != "" {
		return c.postgres
	}
	return c.sqlite
}

const maxModelName = 500 // characters, as in MLflow

// read returns the text that a dimension has for one of the column.
func (c column) read(text string) (string, bool) {
	switch c.kind {
	case modelName:
		var v any = text
		_ = json.Unmarshal([]byte(text), &v) // or else it is the name itself
		name, ok := v.(string)
		if utf8.RuneCountInString(name) > maxModelName {
			name = string([]rune(name)[:maxModelName])
		}
		return name, ok
	case judgement:
		if text == "" {
			return "null", true
		}
	}
	return text, true
}

// tagColumn is a tag of a trace (metadata 0) or metadata (1).
func tagColumn(as, metadata, key string) column {
	return column{sqlite: as + ".value", join: "JOIN trace_tags " + as + " ON " + as + ".trace = t.id AND " + as + ".metadata = " + metadata + " AND " + as + ".key = '" + key + "'"}
}

// spanJSON is the content of a span in PostgreSQL, which takes no U+0000, not even in
// what is not asked for.
const spanJSON = `CAST(replace(p.content, '\u0000', '\ufffd') AS json)`

// attributeColumn is an attribute of a span, as JSON.
func attributeColumn(key string, kind columnKind) column {
	return column{
		sqlite:   `json_extract(p.content, '$.attributes."` + key + `"')`,
		postgres: spanJSON + ` -> 'attributes' ->> '` + key + "'",
		kind:     kind,
	}
}

var (
	counts     = []string{"COUNT"}
	amounts    = []string{"AVG", "MAX", "MIN", "PERCENTILE"}
	sums       = []string{"AVG", "MAX", "MIN", "PERCENTILE", "SUM"}
	everything = column{sqlite: "''"}
)

// traceViews are those that MLflow's server has, with the names that it gives them.
var traceViews = map[string]*traceView{
	"TRACES": {
		from: "traces t", time: "t.request_time",
		dimensions: map[string]column{"trace_name": tagColumn("n", "0", "mlflow.traceName"), "trace_status": {sqlite: "t.state"}},
		metrics: append([]traceMetric{
			{name: "trace_count", aggregations: counts, dimensions: []string{"trace_name", "trace_status"}, value: everything},
			{name: "session_count", aggregations: counts, value: tagColumn("m", "1", track.TraceSessionKey), distinct: true},
			{name: "latency", aggregations: amounts, dimensions: []string{"trace_name"}, value: column{sqlite: "t.duration"}, where: "t.duration >= 0", number: plainNumber},
		}, tokenMetrics("input_tokens", "output_tokens", "total_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")...),
	},
	"SPANS": {
		from: "traces t JOIN spans p ON p.trace = t.id", time: "p.start_nano / 1000000",
		dimensions: map[string]column{
			"span_name": {sqlite: "p.name"}, "span_type": {sqlite: "p.type"}, "span_status": {sqlite: "p.status"},
			"span_model_name": attributeColumn("mlflow.llm.model", modelName), "span_model_provider": attributeColumn("mlflow.llm.provider", modelName),
		},
		metrics: append([]traceMetric{
			{name: "span_count", aggregations: counts, value: everything,
				dimensions: []string{"span_model_name", "span_model_provider", "span_name", "span_status", "span_type"}},
			{name: "latency", aggregations: amounts, dimensions: []string{"span_name", "span_status"},
				value: column{sqlite: "(p.end_nano - p.start_nano) / 1000000"}, where: "p.end_nano <> 0", number: plainNumber},
		}, costMetrics("input_cost", "output_cost", "total_cost")...),
	},
	"ASSESSMENTS": {
		from: "traces t JOIN assessments a ON a.trace = t.id", where: "a.valid = 1", time: "t.request_time",
		dimensions: map[string]column{"assessment_name": {sqlite: "a.name"}, "assessment_value": {sqlite: "a.value", kind: judgement}},
		metrics: []traceMetric{
			{name: "assessment_count", aggregations: counts, dimensions: []string{"assessment_name", "assessment_value"}, value: everything},
			{name: "assessment_value", aggregations: amounts, dimensions: []string{"assessment_name"}, value: column{sqlite: "a.value"}, number: judgedNumber},
		},
	},
}

func tokenMetrics(names ...string) (list []traceMetric) {
	for _, name := range names {
		list = append(list, traceMetric{name: name, aggregations: sums, dimensions: []string{"trace_name"},
			value: tagColumn("m", "1", track.TraceUsageKey), number: func(text string) (float64, bool) {
				n, ok := numberAt(text, name)
				return n, ok && n == math.Trunc(n)
			}})
	}
	return list
}

func costMetrics(names ...string) (list []traceMetric) {
	for _, name := range names {
		list = append(list, traceMetric{name: name, aggregations: sums, dimensions: []string{"span_model_name", "span_model_provider"}, spanTime: true,
			value: attributeColumn("mlflow.llm.cost", plainText), number: func(text string) (float64, bool) { return numberAt(text, name) }})
	}
	return list
}

func (v *traceView) metric(name string) *traceMetric {
	for i := range v.metrics {
		if v.metrics[i].name == name {
			return &v.metrics[i]
		}
	}
	return nil
}

func (v *traceView) names() (list []string) {
	for i := range v.metrics {
		list = append(list, v.metrics[i].name)
	}
	return list
}

func plainNumber(text string) (float64, bool) {
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// numberAt returns the number in a member of a JSON object, which may be in quotes.
func numberAt(object, name string) (float64, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(object), &members) != nil {
		return 0, false
	}
	return plainNumber(strings.Trim(string(members[name]), `"`))
}

// judgedNumber returns the number that a judgement stands for: yes is 1, and no is 0.
func judgedNumber(text string) (float64, bool) {
	switch strings.ToLower(strings.TrimSpace(strings.Trim(text, `"`))) {
	case "true", "yes":
		return 1, text != `"true"`
	case "false", "no":
		return 0, text != `"false"`
	}
	return plainNumber(text)
}
