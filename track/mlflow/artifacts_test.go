package mlflow

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const files = "/api/2.0/mlflow-artifacts/artifacts"

func TestArtifacts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	e, run := s.newRun("artifacts")
	root := files + "/" + e + "/" + run + "/artifacts"
	for path, body := range map[string]string{"/a/b.txt": "hello", "/img+step+3.png": "plus", "/gr%C3%BC%C3%9Fe%20%26.txt": "ü", "/empty": "", "/a%2Fc": "c"} {
		if resp, body := s.send("PUT", root+path, body); resp.StatusCode != 200 || body != "" {
			t.Errorf("PUT %s: %s: %s", path, resp.Status, body)
		}
	}
	list := s.get(api + "/artifacts/list?run_id=" + run)
	want := `{"files":[{"is_dir":true,"path":"a"},{"file_size":0,"is_dir":false,"path":"empty"},{"file_size":2,"is_dir":false,"path":"grüße \u0026.txt"},{"file_size":4,"is_dir":false,"path":"img+step+3.png"}],` +
		`"root_uri":"mlflow-artifacts:/` + e + "/" + run + `/artifacts"}`
	if got, _ := json.Marshal(list); string(got) != want {
		t.Errorf("list: %s\nwant  %s", got, want)
	}
	if got := at(s.get(api+"/artifacts/list?path=a&run_id="+run), "files", 0, "path"); got != "a/b.txt" {
		t.Errorf("list of a: %v", got)
	}
	if got := at(s.get(files+"?path="+e+"/"+run+"/artifacts/a"), "files", 1, "path"); got != "c" {
		t.Errorf("the other list of a: %v", got)
	}
	for _, path := range []string{"/zzz", "/a/b.txt"} {
		if _, body := s.send("GET", files+"?path="+e+"/"+run+"/artifacts"+path, ""); body != "{}" {
			t.Errorf("list of %s: %s", path, body)
		}
	}
	if resp, body := s.send("GET", "/get-artifact?path=a/b.txt&run_uuid="+run, ""); body != "hello" {
		t.Errorf("get-artifact: %s: %s", resp.Status, body)
	}
	for range 2 {
		s.must(s.send("DELETE", root+"/a", ""))
	}
	if resp, body := s.send("GET", root+"/a/b.txt", ""); resp.StatusCode != 404 || !strings.Contains(body, "RESOURCE_DOES_NOT_EXIST") {
		t.Errorf("what was deleted: %s: %s", resp.Status, body)
	}
}

func TestArtifactRange(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.send("PUT", files+"/x/b.txt", "hello2")
	req, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL+files+"/x/b.txt", nil)
	req.Header.Set("Range", "bytes=1-2")
	resp, body := s.do(req)
	for name, want := range map[string]string{
		"Content-Range": "bytes 1-2/6", "Accept-Ranges": "bytes", "Content-Type": "text/plain", "Content-Length": "2",
		"Content-Disposition": "attachment; filename=b.txt", "X-Content-Type-Options": "nosniff",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if resp.StatusCode != http.StatusPartialContent || body != "el" {
		t.Errorf("%s: %q", resp.Status, body)
	}
	req.Header.Set("If-None-Match", resp.Header.Get("ETag"))
	if resp, _ := s.do(req); resp.StatusCode != http.StatusNotModified {
		t.Errorf("with its ETag: %s", resp.Status)
	}
}

func TestArtifactPaths(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, path := range []string{"/../../x", "/%2e%2e/%2e%2e/x", "//etc/x", "/a//b", "/a/%2e%2e/%2e%2e/b", "/..%2f..%2fx", "/a/", "/a%5Cb", "/%00", "/C:/x"} {
		for _, method := range []string{"PUT", "GET", "DELETE"} {
			req, err := http.NewRequestWithContext(t.Context(), method, s.URL, strings.NewReader("1"))
			if err != nil {
				t.Fatal(err)
			}
			req.URL.Opaque = files + path // as it is
			if resp, body := s.do(req); resp.StatusCode != 400 && (method == "PUT" || path != "/a/") {
				t.Errorf("%s %s: %s: %s", method, path, resp.Status, body)
			}
		}
	}
	if resp, body := s.send("GET", files+"?path=../", ""); resp.StatusCode != 400 || !strings.Contains(body, "Invalid path") {
		t.Errorf("list: %s: %s", resp.Status, body)
	}
}

func TestUploadInParts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	start := s.must(s.send("POST", "/api/2.0/mlflow-artifacts/mpu/create/x/y", `{"path":"/home/me/big.bin","num_parts":3}`))
	id := at(start, "upload_id").(string)
	for i, part := range slices.Backward([]string{"one", "two", "three"}) {
		url := at(start, "credentials", i, "url").(string)
		if resp, body := s.send("PUT", strings.TrimPrefix(url, s.URL), part); resp.StatusCode != 200 || resp.Header.Get("ETag") == "" {
			t.Fatalf("part %d: %s: %s", i, resp.Status, body)
		}
	}
	complete := fmt.Sprintf(`{"path":"/home/me/big.bin","upload_id":"%s","parts":[{"part_number":2,"etag":"x"},{"part_number":1},{"part_number":3}]}`, id)
	s.must(s.send("POST", "/api/2.0/mlflow-artifacts/mpu/complete/x/y", complete))
	if _, body := s.send("GET", files+"/x/y/big.bin", ""); body != "onetwothree" {
		t.Errorf("the parts are together %q", body)
	}
	for _, path := range []string{"complete", "abort"} {
		if resp, _ := s.send("POST", "/api/2.0/mlflow-artifacts/mpu/"+path+"/x/y", complete); resp.StatusCode != 404 {
			t.Errorf("%s after the end: %s", path, resp.Status)
		}
	}
	if got := s.get("/api/2.0/mlflow-artifacts/presigned/x/y/big.bin"); at(got, "url") != s.URL+files+"/x/y/big.bin" || at(got, "file_size") != 11. {
		t.Errorf("presigned: %v", got)
	}
}

func TestUploadMissesPart(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	start := s.must(s.send("POST", "/api/2.0/mlflow-artifacts/mpu/create/x", `{"path":"f","num_parts":2}`))
	body := fmt.Sprintf(`{"path":"f","upload_id":"%s","parts":[{"part_number":1}]}`, at(start, "upload_id"))
	if resp, body := s.send("POST", "/api/2.0/mlflow-artifacts/mpu/complete/x", body); resp.StatusCode != 400 {
		t.Errorf("%s: %s", resp.Status, body)
	}
	s.must(s.send("POST", "/api/2.0/mlflow-artifacts/mpu/abort/x", body))
}
