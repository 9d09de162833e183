package mlflow

import (
	"net/http"
	"strings"
)

// Reads reports whether a request only reads: the searches among those that are
// sent with POST do, too.
func Reads(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	case http.MethodPost:
		path := r.URL.Path
		return strings.HasSuffix(path, "/search") || strings.HasSuffix(path, "/get-latest-versions") || strings.HasSuffix(path, "/batchGetInfos") ||
			strings.HasSuffix(path, "/calculate-filter-correlation")
	}
	return false
}

// IsCapability reports whether the URL of a request is one that only those know
// who were let in: of a part of an upload.
func IsCapability(r *http.Request) bool {
	return r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/api/2.0/mlflow-artifacts/mpu/part/")
}

// Deny answers a request that may not pass.
func Deny(w http.ResponseWriter, _ *http.Request, status int, message string) {
	var e encoder
	code := "PERMISSION_DENIED"
	if status == http.StatusUnauthorized {
		code = "UNAUTHENTICATED"
	}
	e.open()
	e.str("error_code", code)
	e.str("message", message)
	e.close()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(e.b) // the client has gone; nobody is left to tell
}
