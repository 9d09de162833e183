package mlflow

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xtrepro/xt/internal/testserver"
	"github.com/xtrepro/xt/track"
)

// TestEvaluations has MLflow's own client use datasets for evaluations, once over
// this API and once with MLflow's own store, and compares what it sees.
func TestEvaluations(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("installs MLflow")
	}
	env := testserver.Python(t, "mlflow-skinny==3.17.2", "sqlalchemy==2.1.9", "alembic==1.20.1", "pandas==3.1.1")
	s := newServer(t)
	got := printed(t, env, "evaluations.py", s.URL)
	want := printed(t, env, "evaluations.py", "sqlite:///"+filepath.ToSlash(filepath.Join(t.TempDir(), "mlflow.db")))
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	page, err := s.store.SearchEvaluationDatasets(t.Context(), track.EvaluationSearch{Search: track.Search{Max: 10, Filter: "name = 'many 0'"}})
	if err != nil || len(page.Items) != 1 || page.Items[0].Records != 25 || page.Items[0].CreatedBy != "bob" {
		t.Errorf("%+v, %v", page, err)
	}
}

// printed returns what a script prints, as JSON, that uses what is at a tracking URI.
func printed(t *testing.T, env []string, name, uri string) (seen []any) {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", "-W", "ignore", script)
	cmd.Dir = t.TempDir()
	cmd.Env = append(append(os.Environ(), env...), "MLFLOW_TRACKING_URI="+uri, "MLFLOW_HTTP_REQUEST_MAX_RETRIES=0", "MLFLOW_DISABLE_TELEMETRY=true", "PYTHONIOENCODING=utf-8")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String()[max(0, said.Len()-3000):])
	}
	if err := json.Unmarshal(out[strings.LastIndexByte(strings.TrimSpace(string(out)), '\n')+1:], &seen); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return seen
}

// TestEvaluationErrors sends what is wrong.
func TestEvaluationErrors(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const at = "/api/3.0/mlflow/datasets"
	_, body := s.send("POST", at+"/create", `{"name": "d"}`)
	var made struct{ Dataset map[string]any }
	if err := json.Unmarshal([]byte(body), &made); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	id := made.Dataset["dataset_id"].(string)
	if answer := s.must(s.send("POST", at+"/"+id+"/add-experiments", `{"experiment_ids": ["0"]}`)); fmt.Sprint(answer["dataset"].(map[string]any)["experiment_ids"]) != "[0]" {
		t.Errorf("no experiments: %v", answer)
	}
	if answer := s.get(at + "/" + id); answer["dataset"].(map[string]any)["experiment_ids"] != nil {
		t.Errorf("clients would not ask again: %v", answer)
	}
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/create", `{}`, "Missing value for required parameter 'name'"},
		{"POST", "/create", `{"name": " "}`, "Missing value for required parameter 'name'"},
		{"POST", "/create", `{"name": "` + strings.Repeat("x", 256) + `"}`, "'name' exceeds the maximum length of 255 characters"},
		{"POST", "/create", `{"name": "x", "experiment_ids": ["7"]}`, "No Experiment with id=7"},
		{"POST", "/create", `{"name": "x", "experiment_ids": ["a"]}`, "INVALID_PARAMETER_VALUE"},
		{"POST", "/create", `{"name": "x", "tags": "[1]"}`, "Invalid value for parameter 'tags' supplied: it must be the JSON of an object."},
		{"PATCH", "/" + id + "/tags", `{"tags": "{"}`, "the JSON of an object"},
		{"PATCH", "/" + id + "/tags", `{"tags": "{\"\": 1}"}`, "The key of a tag cannot be empty."},
		{"POST", "/" + id + "/records", `{"records": "{}"}`, "Invalid value for parameter 'records' supplied: it must be the JSON of a list of objects."},
		{"POST", "/" + id + "/records", `{"records": "[{]"}`, "a list of objects"},
		{"POST", "/" + id + "/records", `{"records": "` + strings.Repeat("[", 5000) + `"}`, "a list of objects"},
		{"POST", "/" + id + "/records", `{"records": "[1]"}`, "for parameter 'records'"},
		{"POST", "/" + id + "/records", `{"records": "[{}, {\"inputs\": 3}]"}`, "for parameter 'records[1].inputs'"},
		{"POST", "/" + id + "/records", `{"records": "[{\"inputs\": {}, \"source\": 1}]"}`, "source"},
		{"POST", "/" + id + "/records", `{"records": "[{\"inputs\": {}, \"source\": {\"source_type\": \"dream\"}}]"}`, "Invalid dataset record source type: DREAM"},
		{"POST", "/search", `{"filter_string": "nope = 'x'"}`, "Invalid attribute key 'nope'"},
		{"POST", "/search", `{"max_results": 99999999}`, "INVALID_PARAMETER_VALUE"},
		{"POST", "/d-none/records", `{"records": "[]"}`, "Evaluation dataset with id 'd-none' not found"},
		{"GET", "/" + id + "/records?page_token=!", "", "Invalid page token"},
		{"GET", "/" + id + "/records?max_results=-1", "", "Invalid value -1 for parameter 'max_results'"},
	} {
		resp, body := s.send(c.method, at+c.path, c.body)
		if resp.StatusCode/100 != 4 || !strings.Contains(body, c.want) {
			t.Errorf("%s %s %.60s: %s %s", c.method, c.path, c.body, resp.Status, body)
		}
	}
	if answer := s.get(at + "/" + id + "/records"); answer["records"] != "[]" {
		t.Errorf("something was written: %v", answer)
	}
}

// FuzzRecords looks for records that crash what reads them, or that are not the
// same to those who read them again.
func FuzzRecords(f *testing.F) {
	f.Add(`[{"inputs": {"a": 1, "b": [1.0, -0, "\u00e4", null, NaN]}, "outputs": {"x": true}, "source": {"source_type": "trace", "source_data": {"trace_id": "t"}}}]`)
	f.Add(`[{"inputs": {"a": {"a": {}}, "a": 1e400}, "tags": {"mlflow.user": "u"}, "expectations": {}}, {}]`)
	f.Fuzz(func(t *testing.T, text string) {
		records, err := parseRecords(text)
		if err != nil {
			return
		}
		for _, r := range records {
			var e encoder
			e.open()
			e.fields("inputs", r.Inputs)
			e.close()
			again, err := parseRecords("[" + string(e.b) + "]")
			if err != nil || len(again) != 1 || again[0].InputsDigest != r.InputsDigest {
				t.Errorf("%s became %s: %v", text, e.b, err)
			}
		}
	})
}
