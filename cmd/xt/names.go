package main

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shown spells a path for people: one that a terminal cannot show as it is, or
// that would end the line, is quoted.
func shown(path string) string {
	if utf8.ValidString(path) && !strings.ContainsFunc(path, unicode.IsControl) && strings.TrimSpace(path) == path {
		return path
	}
	return strconv.Quote(path)
}
