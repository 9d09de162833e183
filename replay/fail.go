package replay

import "net/http"

// statusMiss is the status of a call that has no recording. Clients do not repeat
// what fails with it, and no provider means something by it.
const statusMiss = http.StatusFailedDependency

// refuse answers with an error in the shape that the clients of a provider know.
func refuse(w http.ResponseWriter, provider string, status int, code, msg string) {
	detail := map[string]any{"message": msg, "type": "xt_" + code}
	whole := map[string]any{"error": detail}
	w.Header().Set("X-Should-Retry", "false")
	writeError(w, provider, status, code, detail, whole)
}

// unreachable answers that a provider could not be asked. The client may try again.
func unreachable(w http.ResponseWriter, provider string, err error) {
	detail := map[string]any{"message": "xt: " + err.Error(), "type": "xt_unreachable"}
	writeError(w, provider, http.StatusBadGateway, "unreachable", detail, map[string]any{"error": detail})
}

func writeError(w http.ResponseWriter, provider string, status int, code string, detail, whole map[string]any) {
	switch provider {
	case "anthropic":
		whole["type"] = "error"
	case "gemini":
		detail["code"], detail["status"] = status, "FAILED_PRECONDITION"
	default:
		detail["code"], detail["param"] = "xt_"+code, nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(plainJSON(whole)) // the client may be gone
}

// refuse answers a call that cannot be recorded, and notes it.
func (s *Session) refuse(w http.ResponseWriter, request, provider string, status int, reason string) {
	s.mu.Lock()
	s.misses = append(s.misses, Miss{request, reason})
	s.mu.Unlock()
	refuse(w, provider, status, "recorder", "xt: "+reason)
}

// retried reports whether an error is one of the moment, or of the key, and so no
// answer to the request.
func retried(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusRequestTimeout,
		http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status < 200 || status >= 300 && status < 400 || status >= 500
}

// ofAccount reports whether an error is about the key or the account rather than
// about the request.
func ofAccount(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusProxyAuthRequired:
		return true
	}
	return false
}
