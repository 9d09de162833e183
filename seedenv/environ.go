package seedenv

import (
	"maps"
	"runtime"
	"slices"
	"strings"
)

// Lookup returns the value of a variable in an environment as [os.Environ]
// gives it. Of several entries the last counts, as it does for a child process.
func Lookup(environ []string, name string) (string, bool) {
	for i := len(environ) - 1; i >= 0; i-- {
		key, value, ok := strings.Cut(environ[i], "=")
		if ok && sameName(key, name) {
			return value, true
		}
	}
	return "", false
}

// get is [Lookup] for variables where unset and empty mean the same.
func get(environ []string, name string) string {
	value, _ := Lookup(environ, name)
	return value
}

// sameName reports whether two names are one variable on this system.
func sameName(a, b string) bool {
	if runtime.GOOS == "windows" {
		return strings.EqualFold(a, b)
	}
	return a == b
}

// without returns environ less the named variables.
func without(environ []string, names ...string) []string {
	kept := make([]string, 0, len(environ))
next:
	for _, entry := range environ {
		key, _, _ := strings.Cut(entry, "=")
		for _, name := range names {
			if sameName(key, name) {
				continue next
			}
		}
		kept = append(kept, entry)
	}
	return kept
}

// Overlay returns environ with vars in place of those of the same name, sorted
// by name.
func Overlay(environ []string, vars map[string]string) []string {
	names := slices.Sorted(maps.Keys(vars))
	over := without(environ, names...)
	for _, name := range names {
		over = append(over, name+"="+vars[name])
	}
	return over
}
