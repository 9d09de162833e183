package hash

import "strings"

// reserved reports whether git or xt keeps the name for itself.
func reserved(name string) bool {
	return strings.EqualFold(name, ".git") || strings.EqualFold(name, ".xt")
}
