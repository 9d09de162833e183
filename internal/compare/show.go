package compare

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// How much is shown of a value: so many bytes before the difference, and in all.
const (
	shownBefore = 24
	shownAll    = 72
	shownName   = 100
)

// showTexts quotes two texts, shortened around their first difference.
func showTexts(want, got string) (string, string) {
	from := 0
	if same := samePrefix(want, got); same > shownBefore+shownBefore/2 {
		from = runeStart(want, same-shownBefore)
	}
	return showText(want, from), showText(got, from)
}

// showText quotes a text from an offset on, as far as is shown.
func showText(s string, from int) string {
	to := len(s)
	if to-from > shownAll {
		to = max(runeStart(s, from+shownAll), from)
	}
	return excerpt(s[from:to], from > 0, to < len(s))
}

// excerpt quotes a part of a text, with dots where it goes on.
func excerpt(s string, before, after bool) string {
	q := strconv.Quote(s)
	if before {
		q = "…" + q
	}
	if after {
		q += "…"
	}
	return q
}

// runeStart goes back to where a character starts.
func runeStart[T []byte | string](s T, i int) int {
	for n := 0; n < utf8.UTFMax-1 && i > 0 && i < len(s) && !utf8.RuneStart(s[i]); n++ {
		i--
	}
	return i
}

// showPlain shortens what needs no quotes, with all white space as one blank.
func showPlain(s string) string {
	cut := len(s) > 4*shownAll
	if cut {
		s = s[:runeStart(s, 4*shownAll)]
	}
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > shownAll {
		s, cut = s[:runeStart(s, shownAll)], true
	}
	if strings.ContainsFunc(s, unprintable) {
		return excerpt(s, false, cut)
	}
	if cut {
		s += "…"
	}
	return s
}

func unprintable(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }

// showName quotes a name only where it has to be, and shortens it; special are
// the characters that do not stand for themselves.
func showName(s, special string) string {
	cut := len(s) > shownName
	if cut {
		s = s[:runeStart(s, shownName)]
	}
	if s == "" || strings.TrimSpace(s) != s || strings.ContainsAny(s, special+`"`) || strings.ContainsFunc(s, unprintable) {
		return excerpt(s, false, cut)
	}
	if cut {
		s += "…"
	}
	return s
}

// plural counts things.
func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
