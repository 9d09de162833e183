package main

import (
	"runtime"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xtrepro/xt/internal/testserver"
)

// TestMLflowClients runs the scripts of testdata/mlflowclients, in which MLflow's own
// client meets what xt's commands made.
func TestMLflowClients(t *testing.T) {
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("needs the network at first, and tools of Unix")
	}
	t.Parallel()
	client := testserver.Python(t, "mlflow-skinny==3.17.2")
	params := scriptParams(nil)
	params.Dir = "testdata/mlflowclients"
	params.Setup = func(env *testscript.Env) error {
		if err := setup(env); err != nil {
			return err
		}
		for _, v := range append(client, "MLFLOW_DISABLE_TELEMETRY=true", "MLFLOW_HTTP_REQUEST_MAX_RETRIES=0") {
			name, value, _ := strings.Cut(v, "=")
			env.Setenv(name, value)
		}
		return nil
	}
	testscript.Run(t, params)
}
