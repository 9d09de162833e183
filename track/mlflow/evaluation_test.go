package mlflow

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/xtrepro/xt/internal/testserver"
)

// TestEvaluationClient has MLflow's own client keep examples.
func TestEvaluationClient(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("installs MLflow")
	}
	env := testserver.Python(t, "mlflow-skinny==3.17.2", "sqlalchemy==2.1.9", "alembic==1.20.1", "pandas==3.1.1")
	s := newServer(t)
	cmd := exec.CommandContext(t.Context(), "python3", "-W", "ignore", "testdata/evaluation.py")
	cmd.Env = append(os.Environ(), env...)
	cmd.Env = append(cmd.Env, "MLFLOW_TRACKING_URI="+s.URL, "MLFLOW_HTTP_REQUEST_MAX_RETRIES=0", "MLFLOW_DISABLE_TELEMETRY=true")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	page, err := s.store.Examples(t.Context(), strings.TrimSpace(string(out)), 10, "")
	if err != nil || len(page.Items) != 2 {
		t.Fatalf("%d examples, %v", len(page.Items), err)
	}
	if x := page.Items[0]; string(x.Inputs["question"]) != `"What is xt?"` || string(x.Expectations["score"]) != "0.5" || string(x.Tags["seen"]) != `"yes"` {
		t.Errorf("%+v", x)
	}
	if x := page.Items[1]; !strings.Contains(string(x.Source), `"source_type":"TRACE"`) {
		t.Errorf("%+v", x)
	}
}

func TestEvaluationMistakes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	const datasets = "/api/3.0/mlflow/datasets"
	id := at(s.must(s.send("POST", datasets+"/create", `{"name": "d", "tags": "{\"n\": 1, \"none\": null}"}`)), "dataset", "dataset_id").(string)
	if tags := at(s.get(datasets+"/"+id), "dataset", "tags"); tags != `{"n":"1"}` {
		t.Errorf("the tags are %v", tags)
	}
	for _, tt := range []struct{ method, path, body, want string }{
		{"POST", "/create", `{}`, "Missing value for required parameter 'name'"},
		{"POST", "/create", `{"name": "x", "tags": "[1]"}`, "Parameter 'tags' is not the JSON that it should be"},
		{"POST", "/create", `{"name": "x", "experiment_ids": ["a"]}`, "INVALID_PARAMETER_VALUE"},
		{"POST", "/create", `{"name": "x", "experiment_ids": ["99"]}`, "No Experiment with id=99 exists"},
		{"POST", "/" + id + "/records", `{}`, "Missing value for required parameter 'records'"},
		{"POST", "/" + id + "/records", `{"records": "{}"}`, "Parameter 'records' is not the JSON that it should be"},
		{"POST", "/" + id + "/records", `{"records": "[{\"inputs\": 1}]"}`, "Parameter 'records' is not the JSON that it should be"},
		{"POST", "/" + id + "/records", `{"records": "[{\"inputs\": {\"x\": NaN}}]"}`, "Parameter 'records' is not the JSON that it should be"},
		{"POST", "/d-none/records", `{"records": "[]"}`, "RESOURCE_DOES_NOT_EXIST"},
		{"GET", "/" + id + "/records?page_token=x", "", "Invalid page token"},
		{"GET", "/" + id + "/records?max_results=-1", "", "INVALID_PARAMETER_VALUE"},
		{"POST", "/search", `{"filter_string": "nope = 'x'"}`, "Invalid attribute key 'nope'"},
		{"POST", "/search", `{"max_results": 99999999}`, "INVALID_PARAMETER_VALUE"},
		{"PATCH", "/d-none/tags", `{"tags": "{}"}`, "RESOURCE_DOES_NOT_EXIST"},
		{"GET", "/d-none/experiment-ids", "", "RESOURCE_DOES_NOT_EXIST"},
	} {
		resp, body := s.send(tt.method, datasets+tt.path, tt.body)
		if resp.StatusCode < 400 || resp.StatusCode >= http.StatusInternalServerError || !strings.Contains(body, tt.want) {
			t.Errorf("%s %s %s: %s: %s", tt.method, tt.path, tt.body, resp.Status, body)
		}
	}
}
