package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/xtrepro/xt/internal/tomldoc"
)

// Schema returns the JSON Schema of xt.toml, draft 2020-12, indented. It is
// printed from the table of keys that [Load] checks against. An editor finds it
// through a first line such as
//
//	#:schema ./xt.schema.json
func Schema() []byte {
	root := object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", "https://raw.githubusercontent.com/xtrepro/xt/main/docs/xt.schema.json"},
		{"title", "xt.toml"},
	}
	root = append(root, fileShape.schema()...)
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		panic(err) // the table holds something that is no JSON
	}
	return b.Bytes()
}

// object is a JSON object that keeps its order, in which editors list the keys.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:", m.name)
		if err := enc.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// schema describes a shape: what it is for, then what it may be.
func (s *shape) schema() object {
	var o object
	if s.doc != "" {
		o = append(o, member{"description", s.doc})
	}
	if s.kinds != aAny {
		o = append(o, s.types()...)
	}
	if s.def != nil {
		o = append(o, member{"default", s.def})
	}
	if s.example != "" {
		o = append(o, member{"examples", []any{s.exampleValue()}})
	}
	return o
}

// exampleValue is the example as a value, not as TOML.
func (s *shape) exampleValue() any {
	doc, err := tomldoc.Parse([]byte("v = " + s.example))
	if err != nil {
		panic(fmt.Sprintf("example %s: %v", s.example, err))
	}
	return doc.Root.Get("v").Plain()
}

// types says which types a value may have; with more than one, each is an
// alternative with conditions of its own.
func (s *shape) types() object {
	var all []object
	for _, kind := range []tomldoc.Kind{tomldoc.String, tomldoc.Integer, tomldoc.Float, tomldoc.Boolean, tomldoc.List, tomldoc.Table} {
		if !s.kinds.has(kind) || kind == tomldoc.Integer && s.kinds.has(tomldoc.Float) {
			continue // a number in JSON Schema may be an integer
		}
		all = append(all, s.typed(kind))
	}
	if len(all) == 1 {
		return all[0]
	}
	return object{{"anyOf", all}}
}

func (s *shape) typed(kind tomldoc.Kind) object {
	switch kind {
	case tomldoc.String:
		return s.stringSchema()
	case tomldoc.Integer:
		o := object{{"type", "integer"}}
		if s.min != 0 || s.max != 0 {
			o = append(o, member{"minimum", s.min}, member{"maximum", s.max})
		}
		return o
	case tomldoc.Float:
		return object{{"type", "number"}}
	case tomldoc.Boolean:
		if s.only != nil {
			return object{{"const", *s.only}}
		}
		return object{{"type", "boolean"}}
	case tomldoc.List:
		o := object{{"type", "array"}}
		if s.item != nil {
			o = append(o, member{"items", s.item.schema()})
		}
		return o
	}
	return s.tableSchema()
}

func (s *shape) stringSchema() object {
	o := object{{"type", "string"}}
	switch {
	case s.words != nil:
		o = append(o, member{"enum", s.words})
	case s.pattern != nil && s.refs:
		o = append(o, member{"pattern", s.pattern.String() + `|\$\{`})
	case s.pattern != nil:
		o = append(o, member{"pattern", s.pattern.String()})
	}
	return o
}

func (s *shape) tableSchema() object {
	o := object{{"type", "object"}}
	var known object
	var required []string
	for _, k := range s.keys {
		known = append(known, member{k.name, k.shape.schema()})
		if k.required {
			required = append(required, k.name)
		}
	}
	if known != nil {
		o = append(o, member{"properties", known})
	}
	if required != nil {
		o = append(o, member{"required", required})
	}
	if s.name != nil {
		o = append(o, member{"propertyNames", object{{"pattern", s.name.pattern.String()}}})
	}
	if s.rest == nil {
		return append(o, member{"additionalProperties", false})
	}
	return append(o, member{"additionalProperties", s.rest.schema()})
}
