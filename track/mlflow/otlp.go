package mlflow

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/xtrepro/xt/track"
)

// exportSpans stores spans that a client sends as OpenTelemetry says. What it
// sends has the same form on the wire as TracesData.
func (c *call) exportSpans() error {
	experiment := c.r.Header.Get("x-mlflow-experiment-id")
	if experiment == "" {
		return track.Errorf(track.InvalidParameter, "Missing value for required header 'x-mlflow-experiment-id'.")
	}
	id, err := track.ParseExperimentID(experiment)
	if err != nil {
		return err
	}
	data, err := c.readSpans()
	if err != nil {
		return err
	}
	spans, resources, err := collect(data)
	if err != nil {
		return err
	}
	run := c.r.Header.Get("x-mlflow-run-id")
	if run != "" {
		if _, err := c.store.Run(c.ctx, run); err != nil {
			return err // before anything is written
		}
	}
	if len(spans) > 0 {
		if err := c.store.PutSpans(c.ctx, id, spans); err != nil {
			return err
		}
		if err := c.tagTraces(id, run, resources, spans); err != nil {
			return err
		}
	}
	kind, _, _ := strings.Cut(c.r.Header.Get("Content-Type"), ";")
	c.write(http.StatusOK, kind, nil)
	return nil
}

// tagTraces says of the traces of spans where these are, and what sent them,
// and which run they belong to, if run is not "".
func (c *call) tagTraces(experiment int64, run string, resources map[string][]track.Tag, spans []track.Span) error {
	var roots []string
	for i := range spans {
		if spans[i].Parent == "" {
			roots = append(roots, spans[i].TraceID)
		}
	}
	for id, tags := range resources {
		location, err := c.traceLocation(experiment, id)
		if err != nil {
			return err
		}
		tags = append(tags, location, SpansTag())
		if _, err := c.store.PutTrace(c.ctx, track.TraceInfo{ID: id, Experiment: experiment, Duration: -1, Tags: tags}); err != nil {
			return err
		}
	}
	if run != "" && roots != nil {
		return c.store.LinkTraces(c.ctx, roots, run)
	}
	return nil
}

var errNoSpans = track.Errorf(track.InvalidParameter, "Invalid OpenTelemetry format - no spans found")

// readSpans reads the body of the request.
func (c *call) readSpans() (*tracepb.TracesData, error) {
	kind, _, _ := strings.Cut(c.r.Header.Get("Content-Type"), ";")
	kind = strings.TrimSpace(kind)
	if kind != "application/x-protobuf" && kind != "application/json" {
		return nil, track.Errorf(track.InvalidParameter, "Invalid Content-Type: %s. Expected: application/x-protobuf or application/json", kind)
	}
	if err := c.readBody(maxSpans); err != nil {
		return nil, err
	}
	body, err := decompress(c.body, strings.ToLower(c.r.Header.Get("Content-Encoding")))
	if err != nil {
		return nil, err
	}
	data := new(tracepb.TracesData)
	if kind == "application/json" {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, data)
	} else {
		err = proto.Unmarshal(body, data)
	}
	if err != nil {
		return nil, track.Errorf(track.InvalidParameter, "Invalid OpenTelemetry format")
	}
	if len(data.ResourceSpans) == 0 {
		return nil, errNoSpans
	}
	return data, nil
}

// decompress returns what a body says, whose length is bounded too.
func decompress(body []byte, encoding string) ([]byte, error) {
	var r io.Reader
	var err error
	switch encoding {
	case "", "identity":
		return body, nil
	case "gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		r, err = zlib.NewReader(bytes.NewReader(body))
	default:
		return nil, track.Errorf(track.InvalidParameter, "Unsupported Content-Encoding: %s", encoding)
	}
	if err == nil {
		if body, err = io.ReadAll(io.LimitReader(r, maxSpans+1)); len(body) > maxSpans {
			err = errors.New("it is too long")
		}
	}
	if err != nil {
		return nil, &bodyError{err}
	}
	return body, nil
}

// collect returns the spans, and what sent them, by trace.
func collect(data *tracepb.TracesData) (spans []track.Span, resources map[string][]track.Tag, err error) {
	resources = map[string][]track.Tag{}
	for _, rs := range data.ResourceSpans {
		tags := resourceTags(rs.GetResource().GetAttributes())
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				if s.TraceId, err = plainID(s.TraceId, 16); err == nil {
					s.SpanId, err = plainID(s.SpanId, 8)
				}
				if err == nil && len(s.ParentSpanId) > 0 {
					s.ParentSpanId, err = plainID(s.ParentSpanId, 8)
				}
				if err != nil {
					return nil, nil, err
				}
				s.Attributes = translate(s.Attributes)
				span := NewSpan(s)
				spans = append(spans, span)
				resources[span.TraceID] = tags
			}
		}
	}
	return spans, resources, nil
}

// plainID returns an ID of n bytes. In JSON, OpenTelemetry writes IDs with
// hexadecimal digits, which protojson has read as base64: twice the digits are
// three bytes for each two.
func plainID(id []byte, n int) ([]byte, error) {
	if len(id) == n*3/2 {
		if plain, err := hex.DecodeString(base64.StdEncoding.EncodeToString(id)); err == nil {
			return plain, nil
		}
	}
	if len(id) != n {
		return nil, track.Errorf(track.InvalidParameter, "Cannot convert OpenTelemetry span to MLflow span")
	}
	return id, nil
}

// resourceTags returns what the attributes of what sent the spans become as
// tags of the trace.
func resourceTags(attributes []*commonpb.KeyValue) []track.Tag {
	var tags []track.Tag
	for _, a := range attributes {
		if text := a.GetValue().GetStringValue(); strings.HasPrefix(a.Key, "service.") && text != "" {
			tags = append(tags, track.Tag{Key: a.Key, Value: text})
		}
	}
	return tags
}
