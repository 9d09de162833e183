package lock

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxSize bounds the files that are read. A stage takes about a kilobyte.
const maxSize = 256 << 20

// Parse reads the text of a lock; name is what its errors call the file. A file
// that breaks the format, or that a newer xt wrote, is an [*Error]. A file with
// git's conflict markers is none: what both sides agree on is read, and the
// other entries are marked as conflicted. An empty file is an empty lock.
func Parse(name string, b []byte) (*File, error) {
	f, _, err := parse(name, b)
	return f, err
}

// parse is [Parse], and reports whether the text has conflict markers.
func parse(name string, b []byte) (f *File, conflicted bool, err error) {
	if len(b) > maxSize {
		return nil, false, &Error{File: name, Msg: fmt.Sprintf("%d bytes are more than a lock may have (%d)", len(b), maxSize), Hint: hintRestore}
	}
	text := plainLines(string(b))
	if ours, theirs, ok := splitConflicts(text); ok {
		f, err = parseConflicted(name, ours, theirs)
		return f, true, err
	}
	f, err = parseText(name, text, false)
	return f, false, err
}

// plainLines undoes what git does to line ends on Windows.
func plainLines(text string) string {
	if !strings.Contains(text, "\r") {
		return text
	}
	return strings.ReplaceAll(text, "\r\n", "\n")
}

// parseText reads a lock without conflict markers.
func parseText(name, text string, lenient bool) (*File, error) {
	if strings.TrimSpace(text) == "" {
		return New(), nil
	}
	if !utf8.ValidString(text) {
		return nil, &Error{File: name, Line: lineOfInvalid(text), Msg: "not valid UTF-8", Hint: hintRestore}
	}
	doc, ok := scanDocument(text)
	if !ok {
		var err error
		if doc, err = decodeDocument(name, text); err != nil {
			return nil, err
		}
	}
	return read(name, doc, lenient)
}

func lineOfInvalid(text string) int {
	line := 1
	for i, r := range text {
		if r == '\n' {
			line++
		}
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)) {
			break
		}
	}
	return line
}
