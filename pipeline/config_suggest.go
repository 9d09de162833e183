package pipeline

import (
	"fmt"
	"slices"
	"strings"
)

// didYouMean returns a hint with the candidate nearest to what was written, or
// "" if none is near.
func didYouMean(word string, candidates []string) string {
	if best := nearest(word, candidates); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return ""
}

// nearest returns the candidate that differs in the fewest letters, if these
// are few, or that word is a part of; "" if there is none.
func nearest(word string, candidates []string) string {
	if word == "" {
		return ""
	}
	best, distance := "", min(len(word), (len(word)+2)/3+1)
	low := strings.ToLower(word)
	for _, c := range candidates {
		d := editDistance(low, strings.ToLower(c), distance+1)
		if d < distance || d == distance && best != "" && best[0] != word[0] && c != "" && c[0] == word[0] {
			best, distance = c, d
		}
	}
	if best != "" || len(word) < 3 {
		return best
	}
	for _, c := range candidates {
		if strings.HasSuffix(c, "."+word) || strings.HasPrefix(c, word) {
			return c
		}
	}
	return ""
}

// editDistance counts the letters to insert, delete, replace or swap to make b
// of a; once it is limit or more, limit is returned.
func editDistance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differ(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		if slices.Min(row) >= limit {
			return limit
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func differ(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}

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
