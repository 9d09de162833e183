package download

import (
	"net/http"
	"strings"
	"time"
)

// versionOf returns by what a server tells one version of a file from the next:
// the ETag, or else the date of the last change.
func versionOf(h http.Header) string {
	if tag := h.Get("ETag"); isTag(tag) {
		return tag
	}
	if t, err := http.ParseTime(h.Get("Last-Modified")); err == nil {
		return t.UTC().Format(http.TimeFormat)
	}
	return ""
}

// isTag reports whether s is an ETag, strong or weak.
func isTag(s string) bool {
	s = strings.TrimPrefix(s, "W/")
	if len(s) < 2 || len(s) > 1000 || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	return !strings.ContainsFunc(s[1:len(s)-1], func(r rune) bool { return r < '!' || r == '"' || r > '~' })
}

// validatorOf returns what proves that a file is the same to the byte; "" if
// nothing does. A date does only if the file could not change again within the
// second.
func validatorOf(h http.Header) string {
	tag := h.Get("ETag")
	if isTag(tag) && !strings.HasPrefix(tag, "W/") {
		return tag
	}
	changed, err := http.ParseTime(h.Get("Last-Modified"))
	now, err2 := http.ParseTime(h.Get("Date"))
	if err == nil && err2 == nil && now.Sub(changed) >= time.Minute {
		return h.Get("Last-Modified")
	}
	return ""
}
