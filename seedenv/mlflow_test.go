package seedenv

import (
	"os"
	"path/filepath"
	"testing"
)

// fakeMLflow has as much of MLflow as the hook looks at. What the real ones do is
// tested with the real ones, where they are served.
var fakeMLflow = map[string]string{
	"mlflow/__init__.py": "",
	"mlflow/pytorch.py": `
def log_model(model, artifact_path=None, input_example=None, signature=None, export_model=False, serialization_format=None):
    return serialization_format
def save_model(model, path, **kwargs):
    return kwargs
`,
}

func fakePackage(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestHookKeepsPickle(t *testing.T) {
	t.Parallel()
	s := script{python: anyPython(t), seed: 1, environ: []string{"PYTHONPATH=" + fakePackage(t, fakeMLflow)}, args: []string{"-c", `
import mlflow.pytorch as p
print(p.log_model(0, "m"), p.log_model(0, input_example=[]), p.log_model(0, serialization_format="pt2"), p.log_model(0, export_model=True), p.log_model.__name__)
print(p.save_model(0, "m"))
try:
    p.log_model(0, wrong=1)
except TypeError as e:
    print(e)
`}}
	got := s.run(t)
	if want := "pickle None pt2 None log_model\n{}\nlog_model() got an unexpected keyword argument 'wrong'"; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// A script that imports mlflow.llm finds it where MLflow no longer has it.
func TestHookSuppliesLLM(t *testing.T) {
	t.Parallel()
	s := script{python: anyPython(t), seed: 1, environ: []string{"PYTHONPATH=" + fakePackage(t, fakeMLflow)}, args: []string{"-c", `
import mlflow.llm
import inspect, importlib
print(inspect.signature(mlflow.llm.log_predictions))
print(importlib.import_module("mlflow.llm") is mlflow.llm)
for args in ([],), (["a"], ["b", "c"]):
    try:
        mlflow.llm.log_predictions(*args)
    except ValueError as e:
        print(e)
try:
    import mlflow.other
except ModuleNotFoundError as e:
    print(e)
`}}
	want := `(inputs, outputs=None, prompts=None, artifact_path=None)
True
There are no predictions to log.
The length of inputs, outputs and prompts must be the same and not empty.
No module named 'mlflow.other'`
	if got := s.run(t); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
