package track

import "strings"

// CleanKey returns a key for a parameter, metric or tag that the rules for names
// take: what they do not is replaced.
func CleanKey(key string) string {
	key = strings.Map(func(r rune) rune {
		if isWord(r) || strings.ContainsRune("-. :/", r) {
			return r
		}
		return '_'
	}, key)
	key = strings.Trim(strings.ReplaceAll(key, "..", "._"), "/")
	return cut(key, MaxKey)
}

// Clip returns a text that is no longer than max bytes, cut between characters.
func Clip(text string, max int) string { return cut(text, max) }
