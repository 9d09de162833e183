package mlflow

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"
	"strings"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/xtrepro/xt/track"
)

// The attributes of a span with a meaning.
const (
	requestIDAttribute = "mlflow.traceRequestId"
	spanTypeAttribute  = "mlflow.spanType"
)

// NewSpan returns a span as a store keeps it. Its content is JSON as MLflow
// writes it into files: the values of attributes are texts of JSON, so that a
// filter can compare each with a text.
func NewSpan(s *tracepb.Span) track.Span {
	span := track.Span{
		TraceID: "tr-" + hex.EncodeToString(s.TraceId), ID: hex.EncodeToString(s.SpanId), Parent: hex.EncodeToString(s.ParentSpanId),
		Name: s.Name, Type: "UNKNOWN", Status: "UNSET",
		StartNano: clampNano(s.StartTimeUnixNano), EndNano: clampNano(s.EndTimeUnixNano),
	}
	for _, a := range s.Attributes {
		if a.Key == spanTypeAttribute && a.GetValue().GetStringValue() != "" {
			span.Type = a.Value.GetStringValue()
		}
	}
	switch s.GetStatus().GetCode() {
	case tracepb.Status_STATUS_CODE_OK:
		span.Status = "OK"
	case tracepb.Status_STATUS_CODE_ERROR:
		span.Status = "ERROR"
	}
	span.Content = spanContent(s, span.TraceID)
	return span
}

func clampNano(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

func spanContent(s *tracepb.Span, trace string) string {
	var e encoder
	e.open()
	e.str("trace_id", base64.StdEncoding.EncodeToString(s.TraceId))
	e.str("span_id", base64.StdEncoding.EncodeToString(s.SpanId))
	if len(s.ParentSpanId) > 0 {
		e.str("parent_span_id", base64.StdEncoding.EncodeToString(s.ParentSpanId))
	}
	e.str("name", s.Name)
	e.int("start_time_unix_nano", clampNano(s.StartTimeUnixNano))
	e.int("end_time_unix_nano", clampNano(s.EndTimeUnixNano))
	list(&e, "events", s.Events, func(e *encoder, v **tracepb.Span_Event) {
		e.open()
		e.str("name", (*v).Name)
		e.int("time_unix_nano", clampNano((*v).TimeUnixNano))
		e.attributes((*v).Attributes)
		e.close()
	})
	list(&e, "links", s.Links, func(e *encoder, l **tracepb.Span_Link) {
		e.open()
		e.str("trace_id", base64.StdEncoding.EncodeToString((*l).TraceId))
		e.str("span_id", base64.StdEncoding.EncodeToString((*l).SpanId))
		e.attributes((*l).Attributes)
		e.close()
	})
	e.name("status")
	e.open()
	if code := s.GetStatus().GetCode(); code != 0 {
		e.str("code", code.String())
	}
	e.set("message", s.GetStatus().GetMessage())
	e.close()
	e.attributes(withRequestID(s.Attributes, trace))
	e.close()
	return string(e.b)
}

// withRequestID adds the attribute that MLflow's clients find the trace by.
func withRequestID(attributes []*commonpb.KeyValue, trace string) []*commonpb.KeyValue {
	for _, a := range attributes {
		if a.Key == requestIDAttribute {
			return attributes
		}
	}
	id := &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: trace}}
	return append(attributes[:len(attributes):len(attributes)], &commonpb.KeyValue{Key: requestIDAttribute, Value: id})
}

func (e *encoder) attributes(attributes []*commonpb.KeyValue) {
	var tags []track.Tag
	for _, a := range attributes {
		var v encoder
		v.any(a.GetValue())
		tags = append(tags, track.Tag{Key: a.Key, Value: string(v.b)})
	}
	e.dict("attributes", tags)
}

// any appends a value of OpenTelemetry's as JSON.
func (e *encoder) any(v *commonpb.AnyValue) {
	e.comma()
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		e.text(v.StringValue)
	case *commonpb.AnyValue_BoolValue:
		e.b = strconv.AppendBool(e.b, v.BoolValue)
	case *commonpb.AnyValue_IntValue:
		e.b = strconv.AppendInt(e.b, v.IntValue, 10)
	case *commonpb.AnyValue_DoubleValue:
		e.double(v.DoubleValue)
	case *commonpb.AnyValue_BytesValue:
		e.text(base64.StdEncoding.EncodeToString(v.BytesValue))
	case *commonpb.AnyValue_ArrayValue:
		e.b = append(e.b, '[')
		for _, item := range v.ArrayValue.GetValues() {
			e.any(item)
		}
		e.b = append(e.b, ']')
	case *commonpb.AnyValue_KvlistValue:
		e.b = append(e.b, '{')
		for _, kv := range v.KvlistValue.GetValues() {
			e.comma()
			e.text(kv.Key)
			e.b = append(e.b, ':')
			e.any(kv.Value)
		}
		e.b = append(e.b, '}')
	default:
		e.b = append(e.b, "null"...)
	}
}

// double appends a number, as Python writes those that JSON has not.
func (e *encoder) double(f float64) {
	switch {
	case math.IsNaN(f):
		e.b = append(e.b, "NaN"...)
	case math.IsInf(f, 1):
		e.b = append(e.b, "Infinity"...)
	case math.IsInf(f, -1):
		e.b = append(e.b, "-Infinity"...)
	default:
		e.number(f)
	}
}

// span writes a span as the protocol buffers of OpenTelemetry are in JSON.
func (e *encoder) span(s *track.Span) {
	members, ok := appendObject(nil, []byte(s.Content))
	if !ok {
		members = nil // made by something else; the rest may be read
	}
	e.open()
	for _, m := range members {
		switch string(m.name) {
		case "attributes":
			e.otlpAttributes(m.value)
		case "events", "links":
			e.nested(&m)
		default:
			if !m.value.isNull() {
				e.raw(string(m.name), string(m.value))
			}
		}
	}
	e.close()
}

// nested writes events or links.
func (e *encoder) nested(m *member) {
	e.name(string(m.name))
	e.b = append(e.b, '[')
	elements(m.value, func(v value) {
		members, _ := appendObject(nil, v)
		e.open()
		for _, m := range members {
			if string(m.name) == "attributes" {
				e.otlpAttributes(m.value)
			} else {
				e.raw(string(m.name), string(m.value))
			}
		}
		e.close()
	})
	e.b = append(e.b, ']')
}

// otlpAttributes writes an object of texts of JSON as a list of keys and values.
func (e *encoder) otlpAttributes(v value) {
	members, _ := appendObject(nil, v)
	e.name("attributes")
	e.b = append(e.b, '[')
	for _, m := range members {
		e.open()
		e.str("key", unquote(m.name))
		e.name("value")
		text := value(unquote(m.value.inner()))
		s := scanner{text: text}
		if parsed := s.value(0); !s.bad && s.at == len(text) && m.value[0] == '"' {
			e.otlp(parsed)
		} else {
			e.otlp(m.value)
		}
		e.close()
	}
	e.b = append(e.b, ']')
}

// otlp writes a JSON value as one of OpenTelemetry's.
func (e *encoder) otlp(v value) {
	e.open()
	switch kind := v.typeName(); kind {
	case "str":
		e.str("string_value", unquote(v.inner()))
	case "bool":
		e.raw("bool_value", string(v))
	case "int":
		if _, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			e.raw("int_value", string(v))
			break
		}
		e.raw("double_value", string(v))
	case "float":
		if strings.ContainsAny(string(v), "NI") {
			e.str("double_value", string(v))
			break
		}
		e.raw("double_value", string(v))
	case "list":
		e.name("array_value")
		e.values(func() { elements(v, e.otlp) })
	case "dict":
		e.name("kvlist_value")
		members, _ := appendObject(nil, v)
		e.values(func() {
			for _, m := range members {
				e.open()
				e.str("key", unquote(m.name))
				e.name("value")
				e.otlp(m.value)
				e.close()
			}
		})
	}
	e.close()
}

func (e *encoder) values(f func()) {
	e.open()
	e.name("values")
	e.b = append(e.b, '[')
	f()
	e.b = append(e.b, ']')
	e.close()
}
