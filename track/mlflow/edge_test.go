package mlflow

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// see is how MLflow's messages about arguments end.
const see = ". See the API docs for more information about request parameters."

// TestAnswers sends what MLflow's own server was sent, and expects its answers.
// They were recorded from release 3.17.2.
func TestAnswers(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	e, run := s.newRun("edge")
	names := strings.NewReplacer("RUN", run, "EXP", e, "K250", strings.Repeat("k", 250), "X6001", strings.Repeat("x", 6001), "X8001", strings.Repeat("x", 8001))
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		want                     string // the body, or how it starts if that ends in "…", or CODE: message
	}{
		{"run without experiment", "POST", "/runs/create", `{}`, 400, "INVALID_PARAMETER_VALUE: Missing value for required parameter 'experiment_id'" + see},
		{"missing key", "POST", "/runs/log-metric", `{"run_id":"RUN","value":1,"timestamp":1}`, 400, "INVALID_PARAMETER_VALUE: Missing value for required parameter 'key'" + see},
		{"bad type", "POST", "/runs/log-metric", `{"run_id":"RUN","key":"a","value":"abc","timestamp":1}`, 400, `INVALID_PARAMETER_VALUE: Invalid value "abc" for parameter 'value' supplied:  Hint: Value was of type 'str'` + see},
		{"run of another type", "POST", "/runs/log-metric", `{"run_id":31,"key":"a","value":41,"timestamp":59}`, 400, "INVALID_PARAMETER_VALUE: Invalid value 31 for parameter 'run_id' supplied:  Hint: Value was of type 'int'" + see},
		{"the first that is wrong", "POST", "/runs/set-tag", `{"run_id":31,"key":"a","value":41}`, 400, "INVALID_PARAMETER_VALUE: Invalid value 31 for parameter 'run_id' supplied:  Hint: Value was of type 'int'" + see},
		{"points of no runs", "GET", "/metrics/get-history-bulk?metric_key=m", "", 400, "INVALID_PARAMETER_VALUE: GetMetricHistoryBulk request must specify at least one run_id."},
		{"points of no metric", "GET", "/metrics/get-history-bulk?run_id=RUN", "", 400, "INVALID_PARAMETER_VALUE: GetMetricHistoryBulk request must specify a metric_key."},
		{"points of too many runs", "GET", "/metrics/get-history-bulk?metric_key=m" + strings.Repeat("&run_id=r", 101), "", 400, "INVALID_PARAMETER_VALUE: GetMetricHistoryBulk request cannot specify more than 100 run_ids. Received 101 run_ids."},
		{"samples of too many runs", "GET", "/metrics/get-history-bulk-interval?metric_key=m" + strings.Repeat("&run_ids=r", 101), "", 400, "INVALID_PARAMETER_VALUE: GetMetricHistoryBulkInterval request must specify at most 100 run_ids. Received 101 run_ids" + see},
		{"too many samples", "GET", "/metrics/get-history-bulk-interval?metric_key=m&run_ids=RUN&max_results=0", "", 400, "INVALID_PARAMETER_VALUE: max_results must be between 1 and 2500" + see},
		{"run by its old name", "POST", "/runs/set-tag", `{"run_uuid":"RUN","key":"old","value":"x"}`, 200, "{}"},
		{"version that is no number", "GET", "/model-versions/get?name=m&version=x", "", 400, "INVALID_PARAMETER_VALUE: Parameter 'version' must be an integer, got 'x'."},
		{"NaN as a text, step as a text", "POST", "/runs/log-metric", `{"run_id":"RUN","key":"nan","value":"NaN","timestamp":1,"step":"3"}`, 200, "{}"},
		{"NaN as Python writes it", "POST", "/runs/log-metric", `{"run_id":"RUN","key":"nan2","value":NaN,"timestamp":1}`, 200, "{}"},
		{"infinite", "POST", "/runs/log-metric", `{"run_id":"RUN","key":"inf","value":"Infinity","timestamp":1,"step":0}`, 200, "{}"},
		{"numbers as texts", "POST", "/runs/log-metric", `{"run_id":"RUN","key":"s","value":"1.5","timestamp":"1"}`, 200, "{}"},
		{"no timestamp", "POST", "/runs/log-metric", `{"run_id":"RUN","key":"a","value":1}`, 400, "INVALID_PARAMETER_VALUE: Missing value for required parameter 'timestamp'" + see},
		{"negative step", "POST", "/runs/log-metric", `{"run_id":"RUN","key":"neg","value":1,"timestamp":1,"step":-5}`, 200, "{}"},
		{"the same again", "POST", "/runs/log-metric", `{"run_id":"RUN","key":"neg","value":1,"timestamp":1,"step":-5}`, 200, "{}"},
		{"another value there", "POST", "/runs/log-metric", `{"run_id":"RUN","key":"neg","value":0.5,"timestamp":1,"step":-5}`, 200, "{}"},
		{"history", "GET", "/metrics/get-history?run_id=RUN&metric_key=neg", "", 200, `{"metrics":[{"key":"neg","value":0.5,"timestamp":1,"step":-5},{"key":"neg","value":1.0,"timestamp":1,"step":-5}]}`},
		{"history of none", "GET", "/metrics/get-history?run_id=RUN&metric_key=none", "", 200, "{}"},
		{"NaN", "GET", "/metrics/get-history?run_id=RUN&metric_key=nan", "", 200, `{"metrics":[{"key":"nan","value":"NaN","timestamp":1,"step":3}]}`},
		{"infinite back", "GET", "/metrics/get-history?run_id=RUN&metric_key=inf", "", 200, `{"metrics":[{"key":"inf","value":1.7976931348623157e+308,"timestamp":1,"step":0}]}`},
		{"unknown field", "POST", "/runs/set-tag", `{"run_id":"RUN","key":"a","value":"b","foo":1}`, 200, "{}"},
		{"no JSON", "POST", "/runs/set-tag", `{`, 400, "INVALID_PARAMETER_VALUE: Missing value for required parameter 'run_id'" + see},
		{"JSON in JSON", "POST", "/runs/set-tag", `"{\"run_id\":\"RUN\",\"key\":\"a\",\"value\":\"b\"}"`, 200, "{}"},
		{"camelCase", "POST", "/runs/set-tag", `{"runId":"RUN","key":"a","value":"b"}`, 400, "INVALID_PARAMETER_VALUE: Missing value for required parameter 'run_id'" + see},
		{"parameter", "POST", "/runs/log-parameter", `{"run_id":"RUN","key":"p","value":"1"}`, 200, "{}"},
		{"parameter again", "POST", "/runs/log-parameter", `{"run_id":"RUN","key":"p","value":"1"}`, 200, "{}"},
		{"parameter changed", "POST", "/runs/log-parameter", `{"run_id":"RUN","key":"p","value":"2"}`, 400, "INVALID_PARAMETER_VALUE: Changing param values is not allowed. Param with key='p' was already logged with value='1' for run ID='RUN'. Attempted logging new value '2'."},
		{"long parameter", "POST", "/runs/log-parameter", `{"run_id":"RUN","key":"long","value":"X6001"}`, 200, "{}"},
		{"long key", "POST", "/runs/log-parameter", `{"run_id":"RUN","key":"K250k","value":"x"}`, 400, "INVALID_PARAMETER_VALUE: 'Param key' exceeds the maximum length of 250 characters"},
		{"key not too long", "POST", "/runs/log-parameter", `{"run_id":"RUN","key":"K250","value":"x"}`, 200, "{}"},
		{"long tag", "POST", "/runs/set-tag", `{"run_id":"RUN","key":"long","value":"X8001"}`, 200, "{}"},
		{"long key of a tag", "POST", "/runs/set-tag", `{"run_id":"RUN","key":"K250k","value":"x"}`, 400, "INVALID_PARAMETER_VALUE: 'key' exceeds the maximum length of 250 characters"},
		{"1001 metrics", "POST", "/runs/log-batch", `{"run_id":"RUN","metrics":[` + points(1001) + `]}`, 400, "INVALID_PARAMETER_VALUE: A batch logging request can contain at most 1000 metrics. Got 1001 metrics. Please split up metrics across multiple requests and try again."},
		{"1000 metrics", "POST", "/runs/log-batch", `{"run_id":"RUN","metrics":[` + points(1000) + `]}`, 200, "{}"},
		{"all or none", "POST", "/runs/log-batch", `{"run_id":"RUN","metrics":[{"key":"atom","value":1,"timestamp":1,"step":0}],"params":[{"key":"p","value":"zzz"}]}`, 400, "INVALID_PARAMETER_VALUE: Changing param values is not allowed. Params were already logged='[{'key': 'p', 'old_value': '1', 'new_value': 'zzz'}]' for run ID='RUN'."},
		{"none", "GET", "/metrics/get-history?run_id=RUN&metric_key=atom", "", 200, "{}"},
		{"missing in a list", "POST", "/runs/log-batch", `{"run_id":"RUN","metrics":[{"value":1,"timestamp":1,"step":0}]}`, 400, "INVALID_PARAMETER_VALUE: Missing value for required parameter 'metrics[0].key'" + see},
		{"no list", "POST", "/runs/log-batch", `{"run_id":"RUN","tags":"x"}`, 400, `INVALID_PARAMETER_VALUE: Invalid value "x" for parameter 'tags' supplied:  Hint: Value was of type 'str'` + see},
		{"no run", "POST", "/runs/log-batch", `{"run_id":"00000000000000000000000000000000","metrics":[]}`, 404, "RESOURCE_DOES_NOT_EXIST: Run with id=00000000000000000000000000000000 not found"},
		{"name by tag", "POST", "/runs/set-tag", `{"run_id":"RUN","key":"mlflow.runName","value":"viaTag"}`, 200, "{}"},
		{"name by update", "POST", "/runs/update", `{"run_id":"RUN","run_name":"viaUpdate","status":"FINISHED","end_time":5}`, 200, `{"run_info":{"run_uuid":"RUN","experiment_id":"EXP","run_name":"viaUpdate","user_id":"u","status":"FINISHED","start_time":1,"end_time":5,…`},
		{"status by number", "POST", "/runs/update", `{"run_id":"RUN","status":3}`, 200, `{"run_info":{"run_uuid":"RUN","experiment_id":"EXP","run_name":"viaUpdate","user_id":"u","status":"FINISHED",…`},
		{"status that is none", "POST", "/runs/update", `{"run_id":"RUN","status":"BOGUS"}`, 200, `{"run_info":{"run_uuid":"RUN","experiment_id":"EXP","run_name":"viaUpdate","user_id":"u","status":"FINISHED",…`},
		{"two names", "POST", "/runs/create", `{"experiment_id":"EXP","run_name":"A","tags":[{"key":"mlflow.runName","value":"B"}]}`, 400, "INVALID_PARAMETER_VALUE: Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='A', mlflow.runName='B')."},
		{"search nowhere", "POST", "/runs/search", `{"experiment_ids":[]}`, 200, "{}"},
		{"bad token", "POST", "/runs/search", `{"experiment_ids":["EXP"],"page_token":"zzz"}`, 400, "INVALID_PARAMETER_VALUE: Invalid page token, could not base64-decode"},
		{"search for 0", "POST", "/runs/search", `{"experiment_ids":["EXP"],"max_results":0}`, 400, "INVALID_PARAMETER_VALUE: Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"},
		{"search for too many", "POST", "/runs/search", `{"experiment_ids":["EXP"],"max_results":50001}`, 400, "INVALID_PARAMETER_VALUE: Invalid value 50001 for parameter 'max_results' supplied:  Hint: Value was of type 'int'" + see},
		{"bad order", "POST", "/runs/search", `{"experiment_ids":["EXP"],"order_by":["metrics.x SIDEWAYS"]}`, 400, "INVALID_PARAMETER_VALUE: Invalid ordering key in order_by clause 'metrics.x SIDEWAYS'."},
		{"experiment without name", "POST", "/experiments/create", `{"name":""}`, 400, "INVALID_PARAMETER_VALUE: Missing value for required parameter 'name'" + see},
		{"location", "POST", "/experiments/create", `{"name":"loc","artifact_location":"s3://x?y#z"}`, 400, "INVALID_PARAMETER_VALUE: 'artifact_location' URL can't include fragments or params."},
		{"no experiment", "GET", "/experiments/get?experiment_id=424242", "", 404, "RESOURCE_DOES_NOT_EXIST: No Experiment with id=424242 exists"},
		{"no number", "GET", "/experiments/get?experiment_id=abc", "", 400, "INVALID_PARAMETER_VALUE: Invalid experiment ID 'abc'. Experiment ID must be a valid integer."},
		{"no argument", "GET", "/experiments/get", "", 400, "INVALID_PARAMETER_VALUE: Missing value for required parameter 'experiment_id'" + see},
		{"no such name", "GET", "/experiments/get-by-name?experiment_name=nope", "", 404, "RESOURCE_DOES_NOT_EXIST: Could not find experiment with name 'nope'"},
		{"search without a number", "POST", "/experiments/search", `{}`, 400, "INVALID_PARAMETER_VALUE: Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"},
		{"too many experiments", "POST", "/experiments/search", `{"max_results":50001}`, 400, "INVALID_PARAMETER_VALUE: Invalid value 50001 for parameter 'max_results' supplied. It must be at most 50000"},
		{"delete", "POST", "/experiments/delete", `{"experiment_id":"EXP"}`, 200, "{}"},
		{"delete again", "POST", "/experiments/delete", `{"experiment_id":"EXP"}`, 404, "RESOURCE_DOES_NOT_EXIST: No Experiment with id=EXP exists"},
		{"log into what is deleted", "POST", "/runs/log-metric", `{"run_id":"RUN","key":"a","value":1,"timestamp":1}`, 400, "INVALID_PARAMETER_VALUE: The run RUN must be in the 'active' state. Current state is deleted."},
		{"rename what is deleted", "POST", "/experiments/update", `{"experiment_id":"EXP","new_name":"z"}`, 400, "INVALID_STATE: Cannot rename a non-active experiment."},
		{"tag what is deleted", "POST", "/experiments/set-experiment-tag", `{"experiment_id":"EXP","key":"a","value":"b"}`, 400, "INVALID_PARAMETER_VALUE: The experiment EXP must be in the 'active' state. Current state is deleted."},
		{"restore", "POST", "/experiments/restore", `{"experiment_id":"EXP"}`, 200, "{}"},
		{"restore again", "POST", "/experiments/restore", `{"experiment_id":"EXP"}`, 404, "RESOURCE_DOES_NOT_EXIST: No Experiment with id=EXP exists"},
		{"delete a run", "POST", "/runs/delete", `{"run_id":"RUN"}`, 200, "{}"},
		{"delete it again", "POST", "/runs/delete", `{"run_id":"RUN"}`, 200, "{}"},
		{"tag it", "POST", "/runs/set-tag", `{"run_id":"RUN","key":"a","value":"b"}`, 400, "INVALID_PARAMETER_VALUE: The run RUN must be in the 'active' state. Current state is deleted."},
		{"restore it", "POST", "/runs/restore", `{"run_id":"RUN"}`, 200, "{}"},
		{"model", "POST", "/registered-models/create", `{"name":"m"}`, 200, `{"registered_model":{"name":"m",…`},
		{"no such alias", "GET", "/registered-models/alias?name=m&alias=zz", "", 400, "INVALID_PARAMETER_VALUE: Registered model alias zz not found."},
		{"no such endpoint", "GET", "/nope", "", 404, "ENDPOINT_NOT_FOUND: There is no /api/2.0/mlflow/nope; see /docs for what there is."},
		{"wrong method", "GET", "/runs/create", "", 405, "ENDPOINT_NOT_FOUND: GET is not for /api/2.0/mlflow/runs/create, but POST."},
	} {
		resp, got := s.send(c.method, api+names.Replace(c.path), names.Replace(c.body))
		if resp.StatusCode != c.status {
			t.Errorf("%s: status %d, want %d: %.300s", c.name, resp.StatusCode, c.status, got)
			continue
		}
		want := names.Replace(c.want)
		if code, message, ok := strings.Cut(want, ": "); ok && c.status >= 400 {
			var e encoder
			e.open()
			e.str("error_code", code)
			e.str("message", message)
			e.close()
			want = string(e.b)
		}
		if start, ok := strings.CutSuffix(want, "…"); got != want && (!ok || !strings.HasPrefix(got, start)) {
			t.Errorf("%s: got  %.400s\nwant %.400s", c.name, got, want)
		}
	}
}

// points returns n points of a metric.
func points(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"key":"m","value":1,"timestamp":%d,"step":%d}`, i, i))
	}
	return strings.Join(list, ",")
}

func TestContentType(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	_, run := s.newRun("types")
	for kind, want := range map[string]int{"application/json": 200, "application/json; charset=utf-8": 200, "text/plain": 400, "": 400} {
		req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+api+"/runs/set-tag", strings.NewReader(`{"run_id":"`+run+`","key":"a","value":"b"}`))
		if err != nil {
			t.Fatal(err)
		}
		if kind != "" {
			req.Header.Set("Content-Type", kind)
		}
		resp, body := s.do(req)
		if resp.StatusCode != want || want != 200 && !strings.Contains(body, "Content-Type") {
			t.Errorf("%q: %s: %s", kind, resp.Status, body)
		}
	}
}

// A body may lack a length, and stop before what it announced.
func TestBodies(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	_, run := s.newRun("bodies")
	body := `{"run_id":"` + run + `","key":"a","value":"b"}`
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+api+"/runs/set-tag", io.MultiReader(strings.NewReader(body[:7]), strings.NewReader(body[7:])))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	s.must(s.do(req))
	if got := at(s.get(api+"/runs/get?run_id="+run), "run", "data", "tags", 0, "key"); got != "a" {
		t.Errorf("the tag is %v", got)
	}
}

// TestUsualMax asks for pages of 0, which a few endpoints of MLflow's take for the
// usual length.
func TestUsualMax(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.must(s.send("POST", api+"/logged-models", `{"experiment_id":"0","name":"m"}`))
	if found := s.must(s.send("POST", api+"/logged-models/search", `{"experiment_ids":["0"],"max_results":0}`)); at(found, "models", 0) == nil {
		t.Errorf("logged models: %v", found)
	}
	s.must(s.send("POST", "/api/3.0/mlflow/datasets/create", `{"name":"d"}`))
	if found := s.must(s.send("POST", "/api/3.0/mlflow/datasets/search", `{"max_results":0}`)); at(found, "datasets", 0) == nil {
		t.Errorf("datasets: %v", found)
	}
}
