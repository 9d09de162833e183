package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"

	"github.com/xtrepro/xt/internal/term"
)

// shown spells a path for people: one that a terminal cannot show as it is, or
// that would end the line, is quoted.
func shown(path string) string {
	if utf8.ValidString(path) && !strings.ContainsFunc(path, unicode.IsControl) && strings.TrimSpace(path) == path {
		return path
	}
	return strconv.Quote(path)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%s %ss", term.Count(int64(n)), what)
}

// shorten cuts a text that takes more columns of a terminal.
func shorten(s string, width int) string { return displaywidth.TruncateString(s, width, "…") }

// padded fills a text up to a number of columns of a terminal.
func padded(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-displaywidth.String(s)))
}

// ago returns a time span in the past in its largest unit.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return plural(int(d.Minutes()), "minute") + " ago"
	case d < 48*time.Hour:
		return plural(int(d.Hours()), "hour") + " ago"
	}
	return plural(int(d.Hours()/24), "day") + " ago"
}

func filesWords(n int64) string {
	if n == 0 {
		return ""
	}
	return " in " + plural(int(n), "file")
}
