package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/url"
	"strings"

	"github.com/xtrepro/xt/pipeline"
)

// The parts of JUnit's format that GitLab, GitHub's actions and Jenkins read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name     string         `xml:"name,attr"`
		Class    string         `xml:"classname,attr"`
		File     string         `xml:"file,attr,omitempty"`
		Line     int            `xml:"line,attr,omitempty"`
		Failures []junitFailure `xml:"failure"`
		Out      string         `xml:"system-out,omitempty"` // of warnings
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes a test case for each stage, and one for each file that a
// finding is about which concerns no stage.
func (r *checked) writeJUnit(w io.Writer) error {
	s := junitSuite{Name: "xt check"}
	at := map[string]int{}
	for _, step := range r.Plan.Steps {
		at["stage "+step.Stage.Name] = len(s.Cases)
		s.Cases = append(s.Cases, junitCase{Name: step.Stage.Name, Class: "xt.stage", File: r.prefix + step.Stage.Pos.File, Line: step.Stage.Pos.Line})
	}
	for _, f := range r.Findings {
		key, name, class := "stage "+f.Stage, f.Stage, "xt.stage"
		if f.Stage == "" {
			key, name, class = "file "+f.File, f.File, "xt.file"
		}
		if _, ok := at[key]; !ok {
			at[key] = len(s.Cases)
			s.Cases = append(s.Cases, junitCase{Name: name, Class: class, File: r.prefix + f.File, Line: f.Line})
		}
		c := &s.Cases[at[key]]
		if r.fails(f) {
			c.Failures = append(c.Failures, junitFailure{Message: f.Message, Type: string(f.Rule), Text: findingText(f)})
		} else {
			c.Out += string(f.Level) + ": " + findingText(f) + "\n"
		}
	}
	s.Tests = len(s.Cases)
	for _, c := range s.Cases {
		if len(c.Failures) > 0 {
			s.Failures++
		}
	}
	return encodeXML(w, &junitSuites{Name: s.Name, Tests: s.Tests, Failures: s.Failures, Suites: []junitSuite{s}})
}

func encodeXML(w io.Writer, v any) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// The parts of SARIF 2.1.0 that are written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		URI     string      `json:"informationUri"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string    `json:"id"`
		Short sarifText `json:"shortDescription"`
		Help  string    `json:"helpUri"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		Rule         string            `json:"ruleId"`
		Index        int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId"`
	}
	sarifRegion struct {
		Line int `json:"startLine"`
	}
)

const (
	sarifSchema = "https://json.schemastore.org/sarif-2.1.0.json"
	projectURL  = "https://github.com/xtrepro/xt"
)

// writeSARIF writes the findings as code hosts show them beside the code. The
// paths are relative to the top of the repository.
func (r *checked) writeSARIF(w io.Writer) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "xt", Version: versionString(), URI: projectURL}
	index := map[pipeline.Rule]int{}
	for i, rule := range pipeline.Rules() {
		index[rule.Rule] = i
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{string(rule.Rule), sarifText{rule.Text}, projectURL + "/blob/main/docs/gate.md#rules"})
	}
	for _, f := range r.Findings {
		level := f.Level
		if r.fails(f) {
			level = pipeline.Error
		}
		at := sarifPhysical{sarifArtifact{(&url.URL{Path: r.prefix + f.File}).EscapedPath(), "%SRCROOT%"}, sarifRegion{max(f.Line, 1)}}
		run.Results = append(run.Results, sarifResult{
			Rule: string(f.Rule), Index: index[f.Rule], Level: string(level), Message: sarifText{findingText(f)},
			Locations:    []sarifLocation{{at}},
			Fingerprints: map[string]string{"xtFinding/v1": r.identity(f)},
		})
	}
	return encodeJSON(w, &sarifLog{sarifSchema, "2.1.0", []sarifRun{run}})
}

// identity names a finding, wherever the file's lines move to.
func (r *checked) identity(f pipeline.Finding) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{string(f.Rule), r.prefix + f.File, f.Stage, f.Message}, "\x00")))
	return hex.EncodeToString(sum[:16])
}
