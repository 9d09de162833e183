package track

import (
	"slices"
	"strings"
)

// CleanKey returns a key for a parameter, metric or tag that the rules for names
// take: what they do not is replaced, or left out. It may be "" in the end.
func CleanKey(key string) string {
	key = strings.Map(func(r rune) rune {
		if isWord(r) || strings.ContainsRune("-. :/", r) {
			return r
		}
		return '_'
	}, key)
	names := strings.FieldsFunc(cut(strings.ReplaceAll(key, "..", "._"), MaxKey), func(r rune) bool { return r == '/' })
	return strings.Join(slices.DeleteFunc(names, func(name string) bool { return name == "." }), "/")
}

// Clip returns a text that is no longer than max bytes, cut between characters.
func Clip(text string, max int) string { return cut(text, max) }
