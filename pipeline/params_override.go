package pipeline

import (
	"fmt"
	"strings"
)

// Override gives a parameter another value than its file does.
type Override struct {
	File  string // "": whichever file has the key
	Key   string
	Value any // of the types of [Param.Value]
}

// ParseOverride reads "key=value" or "file:key=value". The value is a TOML
// literal, and text if it is not one.
func ParseOverride(s string) (Override, error) {
	name, text, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return Override{}, fmt.Errorf("%q is not key=value", s)
	}
	file, key, ok := strings.Cut(name, ":")
	if !ok {
		file, key = "", name
	}
	return Override{File: file, Key: key, Value: text}, nil
}
