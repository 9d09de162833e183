package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xtrepro/xt/internal/testserver"
	"github.com/xtrepro/xt/pipeline"
	"github.com/xtrepro/xt/track/access"
)

// TestServeClient has MLflow's own client log to a server whose runs are in
// PostgreSQL, over TLS with a certificate of an authority that nobody knows, and
// with the tokens of users.
func TestServeClient(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("installs MLflow and PostgreSQL")
	}
	env := testserver.Python(t, "mlflow-skinny==3.17.2")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "xt.toml"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := pipeline.MakeStateDir(dir); err != nil {
		t.Fatal(err)
	}
	tokens := map[access.Scope]string{}
	for _, scope := range []access.Scope{access.Read, access.Write} {
		secret, err := access.AddToken(filepath.Join(dir, pipeline.StateDir, "tokens"), string(scope), scope)
		if err != nil {
			t.Fatal(err)
		}
		tokens[scope] = secret
	}
	ca, cert, key := certificate(t)
	s := startServeIn(t, dir, "--store", testserver.Postgres(t).URL, "--tls-cert", cert, "--tls-key", key)

	python := func(token string, trust []string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "python3", append([]string{"-W", "ignore"}, args...)...)
		cmd.Env = slices.Concat(os.Environ(), env, trust, []string{"MLFLOW_TRACKING_URI=" + s.url, "MLFLOW_TRACKING_TOKEN=" + token,
			"MLFLOW_HTTP_REQUEST_MAX_RETRIES=0", "MLFLOW_DISABLE_TELEMETRY=true", "PYTHONIOENCODING=utf-8"})
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	known := []string{"MLFLOW_TRACKING_SERVER_CERT_PATH=" + ca}
	// The parts of big files MLflow sends as to a cloud, without heed to its own variable.
	if out, err := python(tokens[access.Write], append(known, "REQUESTS_CA_BUNDLE="+ca), filepath.FromSlash("../../track/mlflow/testdata/log_everything.py")); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const look = "import mlflow; print('found', len(mlflow.search_runs(search_all_experiments=True, output_format='list', filter_string=\"params.lr = '0.01'\")))"
	const log = "import mlflow; mlflow.log_metric('loss', 1)"
	for _, tt := range []struct {
		name, token string
		trust       []string
		code, want  string
	}{
		{"who may read looks", tokens[access.Read], known, look, "found 1\n"},
		{"who may read logs", tokens[access.Read], known, log, "The token allows only to read."},
		{"no token", "", known, look, "This server needs a token"},
		{"another token", "nonsense", known, look, "This server needs a token"},
		{"an authority that is not known", tokens[access.Write], nil, look, "CERTIFICATE_VERIFY_FAILED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if out, err := python(tt.token, tt.trust, "-c", tt.code); !strings.Contains(out, tt.want) || (err == nil) != strings.HasPrefix(tt.want, "found") {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
