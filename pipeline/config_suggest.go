package pipeline

import "strings"

// knownAre lists what there is, for a hint.
func knownAre(words []string) string {
	if len(words) == 1 {
		return "the only one is " + words[0]
	}
	return "known are " + some(words)
}

// some joins the first few words for a message.
func some(words []string) string {
	const few = 25
	if len(words) > few {
		return strings.Join(words[:few], ", ") + ", …"
	}
	return strings.Join(words, ", ")
}
