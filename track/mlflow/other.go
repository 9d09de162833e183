package mlflow

import "net/http"

var otherRoutes = []route{
	{"GET", "/health", "says OK", plain, (*call).health},
	{"GET", "/version", "says which MLflow's API this is", plain, (*call).serverVersion},
	{"GET", "3.0/mlflow/server-info", "says what the server can do", "", (*call).serverInfo},
	{"POST", "/v1/traces", "stores spans, as OpenTelemetry sends them; the header x-mlflow-experiment-id names the experiment", plain, (*call).exportSpans},
}

func (c *call) health() error {
	if err := c.store.Ping(c.ctx); err != nil {
		return err
	}
	c.write(http.StatusOK, "text/plain; charset=utf-8", []byte("OK"))
	return nil
}

func (c *call) serverVersion() error {
	c.write(http.StatusOK, "text/plain; charset=utf-8", []byte(Version))
	return nil
}

// serverInfo does not offer what clients would use for great files by
// themselves: one request is quicker here than many. It is there for those that
// are told to use it.
func (c *call) serverInfo() error {
	c.out.open()
	c.out.str("store_type", "SqlStore")
	for _, no := range []string{"workspaces_enabled", "trace_archival_enabled", "multipart_uploads_enabled", "multipart_downloads_enabled", "presigned_upload_run_id_supported", "presigned_upload_model_id_supported"} {
		c.out.bool(no, false)
	}
	c.out.close()
	return nil
}
