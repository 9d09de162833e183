package mlflow

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzArguments reads any body, and compares what it finds with what
// encoding/json finds where that reads the body.
func FuzzArguments(f *testing.F) {
	for _, body := range []string{
		`{"run_id":"r","metrics":[{"key":"k","value":1.5,"timestamp":"3","step":-1}],"params":[{"key":"\ud83d\ude00","value":"\u00fc\n"}]}`,
		`"{\"run_id\":\"r\"}"`, `{"value":NaN}`, `{"a":[[[]]],"b":{"c":{}}}`, `{`, `[]`, ``, `{"run_id":null,"run_id":"x"}`, `{"value":1e400,"timestamp":1.0}`, "{\"run_id\":\"\xff\"}", `{"run_id":"\ud800"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var a args
		a.parse(body)
		id := a.text("run_id")
		a.metrics("metrics")
		a.params("params")
		a.tags("tags")
		a.texts("experiment_ids")
		a.bool("archive_existing_versions")
		a.part("assessment").judgement()
		a.dict("tags")
		if !utf8.ValidString(id) {
			t.Errorf("the text %q is not UTF-8", id)
		}
		// Where a name is there twice, the one or the other counts.
		var want struct {
			RunID *string `json:"run_id"`
		}
		if strings.Count(strings.ToLower(string(body)), "run_id") == 1 && json.Unmarshal(body, &want) == nil && want.RunID != nil && len(a.members) > 0 && a.get("run_id") != nil && *want.RunID != id {
			t.Errorf("the text is %q, want %q", id, *want.RunID)
		}
	})
}

func TestScan(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{}`: true, ` { "a" : 1 , "b" : [ ] } `: true, `{"a":-0.5e+3,"b":NaN,"c":-Infinity,"d":null,"e":true}`: true,
		`{"a":1,}`: false, `{,}`: false, `{"a"}`: false, `{"a":}`: false, `{"a":01}`: false, `{"a":1.}`: false, `{"a":.5}`: false, `{"a":+1}`: false, `{"a":nope}`: false,
		`{"a":"` + "\n" + `"}`: false, `{"a":"\"}`: false, `{"a":[1 2]}`: false, `{"a":[1,]}`: false, `{} x`: false, `{"a":1`: false, `[]`: false, ``: false,
		`{"a":` + strings.Repeat("[", 90) + strings.Repeat("]", 90) + `}`:               true,
		`{"a":` + strings.Repeat("[", 1_000_000) + strings.Repeat("]", 1_000_000) + `}`: false,
	} {
		if _, ok := appendObject(nil, []byte(text)); ok != want {
			t.Errorf("%.60q: %v, want %v", text, ok, want)
		}
	}
}

func TestUnquote(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`plain`: "plain", `\"\\\/\b\f\n\r\t`: "\"\\/\b\f\n\r\t", `\u00fc`: "ü", `\ud83d\ude00`: "😀", `\ud83d`: "\ufffd", `\ud83dx`: "\ufffdx", "\xff": "\ufffd",
	} {
		if got := unquote([]byte(raw)); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}

// What the encoder writes of a text, encoding/json reads back.
func TestEncoder(t *testing.T) {
	t.Parallel()
	var e encoder
	e.open()
	e.str("s", "a\"\\\n\x00ü😀\xffz\u2028")
	e.float("nan", math.NaN())
	e.float("inf", math.Inf(-1))
	e.float("one", 1)
	e.float("small", 1e-9)
	e.float("big", 123456789012345680)
	e.close()
	var got map[string]any
	if err := json.Unmarshal(e.b, &got); err != nil {
		t.Fatalf("%v: %s", err, e.b)
	}
	want := map[string]any{"s": "a\"\\\n\x00ü😀\ufffdz\u2028", "nan": "NaN", "inf": -math.MaxFloat64, "one": 1., "small": 1e-9, "big": 123456789012345680.}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v: %s", got, want, e.b)
	}
}
