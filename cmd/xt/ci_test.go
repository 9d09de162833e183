package main

import (
	"bytes"
	"strings"
	"testing"
	"text/template"

	"github.com/goccy/go-yaml"
)

// TestWorkflows fills in the workflows in all ways and reads them as YAML.
func TestWorkflows(t *testing.T) {
	for name, text := range map[string]string{"github": githubWorkflow, "gitlab": gitlabWorkflow} {
		tmpl := template.Must(template.New(name).Delims("<<", ">>").Parse(text))
		for bits := range 16 {
			d := workflowData{Version: "v1.2.3", Python: bits&1 != 0, Remote: bits&2 != 0}
			if bits&4 != 0 {
				d.Dir, d.Path = "sub/dir", "sub/dir/"
			}
			if bits&8 != 0 {
				d.addKeys("s3", true)
			}
			var b bytes.Buffer
			if err := tmpl.Execute(&b, &d); err != nil {
				t.Fatal(err)
			}
			var v map[string]any
			if err := yaml.UnmarshalWithOptions(b.Bytes(), &v, yaml.Strict()); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, b.String())
			}
			if name == "github" {
				checkGitHub(t, v)
			} else {
				checkGitLab(t, v)
			}
			if strings.Contains(b.String(), " \n") || strings.Contains(b.String(), "<no value>") {
				t.Errorf("%s: untidy:\n%s", name, b.String())
			}
		}
	}
}

// checkGitHub looks for what a workflow must have and a step can be.
func checkGitHub(t *testing.T, v map[string]any) {
	t.Helper()
	if v["name"] == nil || v["on"] == nil {
		t.Errorf("no name, or nothing that starts it: %v", v)
	}
	for name, job := range v["jobs"].(map[string]any) {
		job := job.(map[string]any)
		if job["runs-on"] == nil {
			t.Errorf("%s runs nowhere", name)
		}
		for _, step := range job["steps"].([]any) {
			step := step.(map[string]any)
			if (step["uses"] == nil) == (step["run"] == nil) {
				t.Errorf("step %v", step)
			}
			for k := range step {
				if !strings.Contains(" name uses with run if env working-directory continue-on-error ", " "+k+" ") {
					t.Errorf("step has %q", k)
				}
			}
		}
	}
}

func checkGitLab(t *testing.T, v map[string]any) {
	t.Helper()
	for name, job := range v {
		for _, key := range []string{"before_script", "script", "after_script"} {
			for _, line := range job.(map[string]any)[key].([]any) {
				if _, ok := line.(string); !ok {
					t.Errorf("%s: %s: %v is no text", name, key, line)
				}
			}
		}
	}
}

func TestMarkdown(t *testing.T) {
	for in, want := range map[string]string{
		"a|b": "`a\\|b`", "": "", "x`y": "`` x`y ``", "two\nlines": "`two lines`",
	} {
		if got := code(in); got != want {
			t.Errorf("code %q: %q", in, got)
		}
	}
	if got := plain("@ada <b> [x](y) `z` a|b #1\n"); strings.ContainsAny(got, "<>\n") || strings.Contains(got, "@a") || strings.Contains(got, " [x]") {
		t.Errorf("plain: %q", got)
	}
}
