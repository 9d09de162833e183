package mlflow

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/xtrepro/xt/track"
)

// TestVersionOf makes versions of a logged model and of another version: they have
// the files of these, and the run.
func TestVersionOf(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	experiment, run := s.newRun("e")
	logged := at(s.post("/logged-models", object{"experiment_id": experiment, "source_run_id": run}), "model", "info")
	id, files := at(logged, "model_id").(string), at(logged, "artifact_uri").(string)
	s.post("/registered-models/create", object{"name": "m"})
	for i, c := range []struct {
		source, model, runID string
		files, run           string
	}{
		{"s3://b/m", "", "r", "s3://b/m", "r"},
		{"models:/m/1", "", "", "s3://b/m", "r"},
		{"models:/m/2", "", "s", "s3://b/m", "s"},
		{"models:/" + id, "", "", files, run},
		{"models:/" + id, id, "r", files, "r"},
		{"s3://b/n", id, "", "s3://b/n", run},
	} {
		v := at(s.post("/model-versions/create", object{"name": "m", "source": c.source, "model_id": c.model, "run_id": c.runID}), "model_version")
		got := at(s.get(api+"/model-versions/get-download-uri?name=m&version="+at(v, "version").(string)), "artifact_uri")
		if got != c.files || at(v, "run_id") != c.run || at(v, "source") != c.source {
			t.Errorf("version %d: the files are at %v, and it is %v", i+1, got, v)
		}
	}
	if resp, body := s.send("POST", api+"/model-versions/create", `{"name":"m","source":"models:/m/99"}`); resp.StatusCode != 404 {
		t.Errorf("%s: %s", resp.Status, body)
	}
	s.post("/registered-models/alias", object{"name": "m", "alias": "best", "version": "5"})
	if v := at(s.post("/model-versions/create", object{"name": "m", "source": "models:/m@best"}), "model_version"); at(v, "source") != "models:/m/5" || at(v, "model_id") != id {
		t.Errorf("of an alias: %v", v)
	}
	req, err := http.NewRequestWithContext(t.Context(), "PUT", s.URL+"/api/2.0/mlflow-artifacts/artifacts/"+strings.TrimPrefix(files, "mlflow-artifacts:/")+"/a.txt", strings.NewReader("text"))
	if err != nil {
		t.Fatal(err)
	}
	s.do(req)
	for _, url := range []string{"/model-versions/get-artifact?name=m&version=5&path=a.txt", api + "/logged-models/" + id + "/artifacts/files?artifact_file_path=a.txt"} {
		if _, body := s.send("GET", url, ""); body != "text" {
			t.Errorf("%s: %s", url, body)
		}
		if resp, body := s.send("GET", strings.Replace(url, "a.txt", "../a.txt", 1), ""); resp.StatusCode != 400 {
			t.Errorf("a way up: %s: %s", resp.Status, body)
		}
	}
	tags := at(s.get(api+"/logged-models/"+id), "model", "info", "tags")
	want := `[{"name": "m", "version": 5}, {"name": "m", "version": 6}, {"name": "m", "version": 7}]`
	if at(tags, 0, "key") != versionsTag || at(tags, 0, "value") != want {
		t.Errorf("the logged model says %v", tags)
	}
}

// TestSources refuses versions whose files would be elsewhere than what was logged.
func TestSources(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	experiment := at(s.post("/experiments/create", object{"name": "local", "artifact_location": "file:///data/e"}), "experiment_id").(string)
	info := at(s.post("/runs/create", object{"experiment_id": experiment}), "run", "info")
	run, dir := at(info, "run_id").(string), strings.TrimPrefix(at(info, "artifact_uri").(string), "file://")
	s.post("/registered-models/create", object{"name": "m"})
	for source, want := range map[string]string{
		dir: "", "file://" + dir + "/model": "", dir + "/model/..": "", "file://" + dir + "/../x": "local path",
		"/tmp": "local path", "path/to/model": "", "../model": "local path", "a/../../model": "local path", "file:///etc/passwd": "local path", "file://host/x": "is not a valid remote uri",
		"mlflow-artifacts:/models": "", "mlflow-artifacts:/models///": "", "mlflow-artifacts:/models/a///b": "", "mlflow-artifacts://host:9000/models/..../": "",
		"runs:/" + run + "/model": "", "s3://bucket/model": "",
		"http://host:9000/models/../../": "absolute path", "mlflow-artifacts://host/models/..%2f..%2fx": "absolute path", "mlflow-artifacts://host/models/..%252f..": "absolute path",
		"mlflow-artifacts://host/models/a%00": "absolute path", "dbfs:/r/a%3f/../../..": "absolute path", "s3://bucket/a/./b": "absolute path",
	} {
		b, err := json.Marshal(object{"name": "m", "source": source, "run_id": run})
		if err != nil {
			t.Fatal(err)
		}
		resp, body := s.send("POST", api+"/model-versions/create", string(b))
		if ok := resp.StatusCode == 200; ok != (want == "") || !strings.Contains(body, want) {
			t.Errorf("%s: %s: %s", source, resp.Status, body)
		}
	}
	for _, body := range []string{`{"name":"m","source":"` + dir + `"}`, `{"name":"m","source":"` + dir + `","run_id":"none"}`} {
		if resp, answer := s.send("POST", api+"/model-versions/create", body); resp.StatusCode != 400 || !strings.Contains(answer, "To use a local path as a model version source") {
			t.Errorf("%s: %s: %s", body, resp.Status, answer)
		}
	}
	s.post("/registered-models/create", object{"name": "p", "tags": prompt})
	s.post("/model-versions/create", object{"name": "p", "source": "dummy-source", "tags": prompt})
}

var prompt = []object{{"key": track.PromptTag, "value": "true"}}
