// Package suggest finds what a mistyped word was meant to be.
package suggest

import (
	"fmt"
	"slices"
	"strings"
)

// DidYouMean returns a hint with the candidate nearest to what was written, or
// "" if none is near.
func DidYouMean(word string, candidates []string) string {
	if best := Nearest(word, candidates); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return ""
}

// Nearest returns the candidate that differs in the fewest letters, if these
// are few, or that word is a part of; "" if there is none. Of several as near it
// is the one that begins most like word, since slips are rarer there.
func Nearest(word string, candidates []string) string {
	if word == "" {
		return ""
	}
	best, distance := "", min(len(word), (len(word)+2)/3+1)
	low := strings.ToLower(word)
	for _, c := range candidates {
		d := editDistance(low, strings.ToLower(c), distance+1)
		if d < distance || d == distance && best != "" && samePrefix(word, c) > samePrefix(word, best) {
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

// samePrefix returns how many bytes a and b begin with in common.
func samePrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
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
