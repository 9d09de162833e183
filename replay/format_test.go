package replay

import (
	"bytes"
	"encoding/json"
	"net"
	"testing"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestCanonical(t *testing.T) {
	same := [][2]string{
		{`{"b":1,"a":[true,null]}`, "{\n \"a\" : [ true , null ] , \"b\":1}"},
		{`{"a":"é"}`, `{"a":"\u00e9"}`},
		{`{"a":"😀"}`, `{"a":"\ud83d\ude00"}`},
		{`{"a":"<"}`, `{"a":"\u003c"}`},
	}
	for _, pair := range same {
		a, errA := canonical([]byte(pair[0]))
		b, errB := canonical([]byte(pair[1]))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s is %s (%v), %s is %s (%v)", pair[0], a, errA, pair[1], b, errB)
		}
	}
	for _, text := range []string{`{"a":1,"a":2}`, `"\ud800"`, "\"\xff\"", `{} {}`, ``, `{`, `[1,]`, "\"\ufffd\""} {
		if b, err := canonical([]byte(text)); err == nil {
			t.Errorf("%q is %s", text, b)
		}
	}
	for _, text := range []string{`1.0`, `1`, `1e0`, `12345678901234567890`} {
		if b, err := canonical([]byte(text)); err != nil || string(b) != text {
			t.Errorf("%s is %s, %v", text, b, err)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, s := range []string{`{"b":1,"a":"x"}`, `[1.0,"\u00e9",null]`, `{"a":{"a":1},"b":[]}`, `"\ud800"`, `{"":0}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := canonical(text)
		if err != nil {
			return
		}
		if again, err := canonical(b); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%s is %s, and that %s (%v)", text, b, again, err)
		}
		var x, y any
		if json.Unmarshal(text, &x) == nil && json.Unmarshal(b, &y) == nil {
			if !bytes.Equal(plainJSON(x), plainJSON(y)) {
				t.Fatalf("%s is %s", text, b)
			}
		}
	})
}

func FuzzBody(f *testing.F) {
	for _, s := range []string{`{"a": 1}`, "{\n  \"a\": []\n}\n", "data: {\"a\":1}\n\nevent: x\ndata: {}\n\ndata: [DONE]\n\n", "data: x\r\n\r\n", "\xff", "", "null", "data: {}\n\n\n\n"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, stream bool) {
		rec := Recording{Version: Version, Request: Request{Provider: "p", Method: "GET"}, Response: Response{Status: 200, Headers: map[string]string{}}}
		if stream {
			rec.Response.Headers["content-type"] = "text/event-stream"
		}
		rec.Response.setBody(body)
		text := rec.Encode()
		again, err := Decode(text)
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if b, err := again.Response.Body(); err != nil || !bytes.Equal(b, body) {
			t.Fatalf("%q came back as %q (%v)", body, b, err)
		}
		if !bytes.Equal(again.Encode(), text) {
			t.Fatalf("%s is written as %s", text, again.Encode())
		}
		if again.Request.Key() != rec.Request.Key() {
			t.Fatal("the key changed")
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"version":1,"request":{"provider":"p","method":"GET","path":""},"response":{"status":200,"headers":{},"events":[{"event":"x","data":{}}]}}`))
	f.Add([]byte(`{"version":1,"request":{"json":{"b":1}},"response":{"status":200,"headers":null,"json":1,"layout":"spaced"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		rec, err := Decode(text)
		if err != nil {
			return
		}
		again, err := Decode(rec.Encode())
		if err != nil {
			t.Fatalf("%v: %s", err, rec.Encode())
		}
		if again.Request.Key() != rec.Request.Key() {
			t.Fatal("the key changed")
		}
		rec.Response.Tokens()
	})
}

func TestTokens(t *testing.T) {
	for body, want := range map[string]int64{
		`{"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`:        7,
		`{"usage":{"input_tokens":3,"output_tokens":4,"cache_read_input_tokens":10}}`: 17,
		`{"usageMetadata":{"totalTokenCount":9}}`:                                     9,
		`{"message":"text","usage":{"total_tokens":2}}`:                               2,
		`[]`: 0,
	} {
		r := Response{Headers: map[string]string{}}
		r.setBody([]byte(body))
		if got := r.Tokens(); got != want {
			t.Errorf("%s: %d tokens, want %d", body, got, want)
		}
	}
}
