package lock

import "strings"

// StageLines returns the lines, from 1, on which the entries of stages begin in
// the text of a lock; of an entry that stands there twice, in a conflict, the
// first.
func StageLines(text []byte) map[string]int {
	lines := map[string]int{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line[0] != '[' {
			continue
		}
		sc := scanner{s: line, line: n}
		sec, ok := sc.header()
		if ok && sec.kind == "stage" && lines[sec.name] == 0 {
			lines[sec.name] = n
		}
	}
	return lines
}
