package main

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

// What is written piece by piece looks as if it were written at once.
func TestJSONStream(t *testing.T) {
	type item struct {
		Name string         `json:"name"`
		Data []any          `json:"data"`
		More map[string]any `json:"more"`
	}
	list := []item{
		{"<a> & b", []any{map[string]any{"x": 1.5, "y": nil}, "text", []int{}}, map[string]any{}},
		{"none", []any{}, map[string]any{"deep": []int{1, 2}}},
	}
	var want, got bytes.Buffer
	if err := encodeJSON(&want, map[string]any{"list": list}); err != nil {
		t.Fatal(err)
	}
	s := newJSONStream(&got)
	s.open("{")
	s.field("list")
	s.open("[")
	for _, i := range list {
		s.open("{")
		s.field("name")
		s.value(i.Name)
		s.field("data")
		s.open("[")
		for _, d := range i.Data {
			s.value(d)
		}
		s.end("]")
		s.field("more")
		s.value(i.More)
		s.end("}")
	}
	s.end("]")
	s.end("}")
	if err := s.flush(); err != nil || got.String() != want.String() {
		t.Errorf("%v: %s\nwant %s", err, &got, &want)
	}
}

// full is a disk on which there is no room.
type full struct{}

var errFull = errors.New("no room")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestJSONStreamFails(t *testing.T) {
	s := newJSONStream(full{})
	s.value("text")
	if err := s.flush(); !errors.Is(err, errFull) {
		t.Errorf("of a write: %v", err)
	}
	s = newJSONStream(&bytes.Buffer{})
	s.open("[")
	s.value(math.NaN())
	s.end("]")
	if err := s.flush(); err == nil {
		t.Error("a number that JSON does not have is no mistake")
	}
}
