package importer

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/xtrepro/xt/track"
	"github.com/xtrepro/xt/track/mlflow"
)

// spansFile is the artifact of a trace in which its spans are.
const spansFile = "traces.json"

// maxSpansFile bounds the spans of a trace, in bytes.
const maxSpansFile = 256 << 20

// spanFile is a span as MLflow writes it: into the file since version 3, and into
// the database. The values of attributes are texts of JSON.
type spanFile struct {
	TraceID    string                     `json:"trace_id"`
	ID         string                     `json:"span_id"`
	Parent     string                     `json:"parent_span_id,omitempty"`
	Name       string                     `json:"name"`
	Start      json.Number                `json:"start_time_unix_nano"`
	End        json.Number                `json:"end_time_unix_nano"`
	Events     json.RawMessage            `json:"events,omitempty"`
	Links      json.RawMessage            `json:"links,omitempty"`
	Status     spanStatus                 `json:"status"`
	Attributes map[string]json.RawMessage `json:"attributes"`
}

type spanStatus struct {
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
}

// oldSpan is what a span has in the files of MLflow 2 instead.
type oldSpan struct {
	Context *struct {
		TraceID string `json:"trace_id"`
		SpanID  string `json:"span_id"`
	} `json:"context"`
	Parent  string      `json:"parent_id"`
	Start   json.Number `json:"start_time"`
	End     json.Number `json:"end_time"`
	Status  string      `json:"status_code"`
	Message string      `json:"status_message"`
	Events  []struct {
		Name       string          `json:"name"`
		Time       json.Number     `json:"timestamp"`
		Attributes json.RawMessage `json:"attributes"`
	} `json:"events"`
}

// parseSpan reads a span of a trace.
func parseSpan(trace string, b []byte) (s track.Span, err error) {
	var f spanFile
	b = quoteNumbers(b)
	if err := json.Unmarshal(b, &f); err != nil {
		return s, fmt.Errorf("no span: %w", err)
	}
	if f.TraceID == "" {
		if err := f.readOld(b); err != nil {
			return s, err
		}
	}
	ids := []*string{&f.TraceID, &f.ID, &f.Parent}
	digits := make([]string, len(ids))
	for i, id := range ids {
		raw, err := idBytes(*id)
		if err != nil || len(raw) == 0 && i < 2 {
			return s, fmt.Errorf("no span: %q is no ID", *id)
		}
		digits[i], *id = hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw)
	}
	s = track.Span{TraceID: trace, ID: digits[1], Parent: digits[2], Name: f.Name, Type: f.kind(), Status: "UNSET"}
	s.StartNano, _ = f.Start.Int64()
	s.EndNano, _ = f.End.Int64()
	if code := strings.TrimPrefix(f.Status.Code, "STATUS_CODE_"); code == "OK" || code == "ERROR" {
		s.Status, f.Status.Code = code, "STATUS_CODE_"+code
	}
	content, err := json.Marshal(&f)
	s.Content = string(content)
	return s, err
}

// readOld reads what MLflow 2 has written.
func (f *spanFile) readOld(b []byte) error {
	var o oldSpan
	if err := json.Unmarshal(b, &o); err != nil || o.Context == nil {
		return errors.Join(errors.New("no span: it has no trace_id"), err)
	}
	f.TraceID, f.ID, f.Parent = o.Context.TraceID, o.Context.SpanID, o.Parent
	f.Start, f.End, f.Status = o.Start, o.End, spanStatus{o.Status, o.Message}
	events := []map[string]any{}
	for _, e := range o.Events {
		events = append(events, map[string]any{"name": e.Name, "time_unix_nano": e.Time, "attributes": e.Attributes})
	}
	var err error
	f.Events, err = json.Marshal(events)
	return err
}

// kind returns the type of the span, which an attribute has as a text of JSON.
func (f *spanFile) kind() string {
	var text, kind string
	if json.Unmarshal(f.Attributes["mlflow.spanType"], &text) != nil || json.Unmarshal([]byte(text), &kind) != nil {
		return "UNKNOWN"
	}
	return cmp.Or(kind, "UNKNOWN")
}

// idBytes reads an ID as the versions of MLflow write it: base64, which ends in "="
// for 8 and for 16 bytes, or hexadecimal, with something before it and maybe without
// the first zeros.
func idBytes(id string) ([]byte, error) {
	if strings.HasSuffix(id, "=") {
		return base64.StdEncoding.DecodeString(id)
	}
	digits := id[strings.LastIndexAny(id, "/-x")+1:]
	width := 16
	switch n := len(digits); {
	case n == 0:
		return nil, nil
	case n > 32:
		return nil, errors.New("it is too long")
	case n > 16:
		width = 32
	}
	return hex.DecodeString(strings.Repeat("0", width-len(digits)) + digits)
}

// parseSpans reads the spans in a file of a trace.
func parseSpans(trace string, b []byte, warn func(problem string)) []track.Span {
	var file struct{ Spans []json.RawMessage }
	if err := json.Unmarshal(quoteNumbers(b), &file); err != nil {
		warn("has no spans: " + err.Error())
	}
	var spans []track.Span
	for _, raw := range file.Spans {
		s, err := parseSpan(trace, raw)
		if err != nil {
			warn(err.Error())
			continue
		}
		spans = append(spans, s)
	}
	return spans
}

// parseOTLP reads a span as OpenTelemetry writes it in JSON.
func parseOTLP(trace string, b []byte) (track.Span, error) {
	p := new(tracepb.Span)
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, p); err != nil {
		return track.Span{}, fmt.Errorf("no span: %w", err)
	}
	if len(p.TraceId) != 16 || len(p.SpanId) != 8 || len(p.ParentSpanId) != 0 && len(p.ParentSpanId) != 8 {
		return track.Span{}, errors.New("no span: its IDs have not the right lengths")
	}
	s := mlflow.NewSpan(p)
	s.TraceID = trace
	return s, nil
}

// readSpans finds the spans of a trace among its artifacts.
func readSpans(trace string, warn Warn, files func(f func(*File) error) error) (spans []track.Span, err error) {
	where := "trace " + trace
	err = files(func(f *File) error {
		if f.Path != spansFile {
			return nil
		}
		var b []byte
		r, err := f.Open()
		if err == nil {
			b, err = readAll(r, maxSpansFile)
		}
		if err != nil {
			warn(where, spansFile+": "+reason(err))
			return nil
		}
		spans = parseSpans(trace, b, func(problem string) { warn(where, spansFile+": "+problem) })
		return nil
	})
	return spans, err
}
