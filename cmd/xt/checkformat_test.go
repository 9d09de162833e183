package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/xtrepro/xt/pipeline"
)

// sarifShape is what the standard, section 3, asks of the parts that are written.
const sarifShape = `{
  "type": "object", "additionalProperties": false, "required": ["version", "runs", "$schema"],
  "properties": {
    "$schema": {"type": "string", "format": "uri"}, "version": {"const": "2.1.0"},
    "runs": {"type": "array", "minItems": 1, "items": {
      "type": "object", "additionalProperties": false, "required": ["tool", "results"],
      "properties": {
        "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        "tool": {"type": "object", "additionalProperties": false, "required": ["driver"], "properties": {"driver": {
          "type": "object", "additionalProperties": false, "required": ["name"],
          "properties": {
            "name": {"type": "string"}, "version": {"type": "string"}, "informationUri": {"type": "string", "format": "uri"},
            "rules": {"type": "array", "uniqueItems": true, "items": {
              "type": "object", "additionalProperties": false, "required": ["id"],
              "properties": {"id": {"type": "string"}, "helpUri": {"type": "string", "format": "uri"}, "shortDescription": {"$ref": "#/$defs/message"}}}}
          }}}},
        "results": {"type": "array", "items": {
          "type": "object", "additionalProperties": false, "required": ["message"],
          "properties": {
            "ruleId": {"type": "string"}, "ruleIndex": {"type": "integer", "minimum": -1}, "level": {"enum": ["none", "note", "warning", "error"]},
            "message": {"$ref": "#/$defs/message"},
            "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
            "locations": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {"physicalLocation": {
              "type": "object", "additionalProperties": false, "required": ["artifactLocation"],
              "properties": {
                "artifactLocation": {"type": "object", "additionalProperties": false, "properties": {"uri": {"type": "string", "format": "uri-reference"}, "uriBaseId": {"type": "string"}}},
                "region": {"type": "object", "additionalProperties": false, "properties": {"startLine": {"type": "integer", "minimum": 1}}}
              }}}}}
          }}}
      }}}
  },
  "$defs": {"message": {"type": "object", "additionalProperties": false, "required": ["text"], "properties": {"text": {"type": "string"}}}}
}`

// found is a check with one finding of each rule.
func found() *checked {
	r := &checked{Inspection: &pipeline.Inspection{Plan: &pipeline.Plan{Steps: []*pipeline.Step{{Stage: &pipeline.Stage{Name: "a", Pos: pipeline.Position{File: "xt.toml", Line: 3}}}}}}, prefix: "sub dir/"}
	for i, rule := range pipeline.Rules() {
		f := pipeline.Finding{Rule: rule.Rule, Level: pipeline.Warning, File: "xt.toml", Line: i, Message: "what & <is> \x01 wrong", Details: []string{"why"}, Hint: "how"}
		if i%2 == 0 {
			f.Level, f.Stage = pipeline.Error, "a"
		}
		if i == 3 {
			f.File = "data/ä #1.csv"
		}
		r.Findings = append(r.Findings, f)
	}
	return r
}

func TestSARIF(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(sarifShape))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	schema := c.MustCompile("sarif.json")
	for _, r := range []*checked{found(), {Inspection: &pipeline.Inspection{Plan: &pipeline.Plan{}}}} {
		var b bytes.Buffer
		if err := r.writeSARIF(&b); err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%v in\n%s", err, b.String())
		}
		var log sarifLog
		if err := json.Unmarshal(b.Bytes(), &log); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, res := range log.Runs[0].Results {
			if log.Runs[0].Tool.Driver.Rules[res.Index].ID != res.Rule {
				t.Errorf("%s has index %d", res.Rule, res.Index)
			}
			if id := res.Fingerprints["xtFinding/v1"]; seen[id] || id == "" {
				t.Errorf("%s: fingerprint %q", res.Rule, id)
			} else {
				seen[id] = true
			}
		}
	}
}

func TestJUnit(t *testing.T) {
	r := found()
	var b bytes.Buffer
	if err := r.writeJUnit(&b); err != nil {
		t.Fatal(err)
	}
	var s junitSuites
	if err := xml.Unmarshal(b.Bytes(), &s); err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	if s.Tests != 3 || s.Failures != 1 || len(s.Suites[0].Cases) != 3 || len(s.Suites[0].Cases[0].Failures) != 6 {
		t.Errorf("%+v", s)
	}
	r.strict = true
	b.Reset()
	if err := r.writeJUnit(&b); err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(b.Bytes(), &s); err != nil || s.Failures != 3 {
		t.Errorf("strict: %d failures, %v", s.Failures, err)
	}
}
