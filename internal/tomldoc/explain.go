package tomldoc

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// rewordings turn the parser's words, which are about separators and
// terminators, into what to write. The first whose part is in the message is
// asked; an empty message keeps the parser's.
var rewordings = []struct {
	part string
	say  func(text string, at int) (msg, hint string)
}{
	{"expected value but found", sayNoValue},
	{"floats must start with a digit", sayFloat},
	{"must be followed by one or more digits", sayFloat},
	{"leading zeroes", sayQuote},
	{"underscores must be surrounded", sayQuote},
	{"out of range", sayQuote},
	{"invalid datetime", sayQuote},
	{"expected value", sayEmpty},
	{"expected key separator", sayNoEquals},
	{"expected '.' or '='", sayNoEquals},
	{"key name appears blank", sayBlankKey},
	{"cannot contain newlines", sayOpenString},
	{`expected '"'`, sayOpenString},
	{`expected "'"`, sayOpenString},
	{`expected '"""'`, sayOpenText},
	{`expected "'''"`, sayOpenText},
	{"to end table name", sayHeader},
	{"end of table name", sayHeader},
	{"table array name delimiter", sayHeader},
	{"array terminator", sayList},
	{"inline table terminator", sayInline},
	{"unexpected comma", sayComma},
	{"invalid escape", sayEscape},
	{"hexadecimal digits", sayEscape},
	{"is not valid UTF-8", sayEscape},
	{"to end with a newline", sayRest},
	{"control characters", sayControl},
}

func reword(parsers, text string, at int) (msg, hint string) {
	if strings.Contains(parsers, "EOF") || strings.Contains(parsers, "end of file") {
		at = len(text) // the parser points to what came before
	}
	for _, r := range rewordings {
		if !strings.Contains(parsers, r.part) {
			continue
		}
		if msg, hint = r.say(text, at); msg != "" {
			return msg, hint
		}
		break
	}
	if strings.HasPrefix(parsers, "TOML") {
		return parsers, hint
	}
	r, n := utf8.DecodeRuneInString(parsers)
	return strings.ToLower(string(r)) + parsers[n:], hint
}

// lineAt splits the line at an offset there, without comment and blanks.
func lineAt(text string, at int) (before, after string) {
	start := strings.LastIndexByte(text[:at], '\n') + 1
	end := len(text)
	if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
		end = at + n
	}
	return text[start:at], strings.TrimRight(text[at:end], " \t\r")
}

// keyIn returns what stands before the first = or : of a line.
func keyIn(line string) string {
	if i := strings.IndexAny(line, "=:"); i >= 0 {
		line = line[:i]
	}
	return strings.TrimSpace(line)
}

func quote(s string) string {
	if strings.Contains(s, `"`) && !strings.Contains(s, "'") {
		return "'" + s + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func sayNoValue(text string, at int) (string, string) {
	before, after := lineAt(text, at)
	if after == "" {
		return sayEmpty(text, at)
	}
	if !strings.Contains(before, "=") && strings.Contains(after, "=") {
		return "the list above is not closed", "close it with ]"
	}
	word := after
	if n := strings.IndexAny(word, " \t,]}#"); n >= 0 {
		word = word[:n]
	}
	if word == "" {
		return sayEmpty(text, at)
	}
	switch strings.ToLower(word) {
	case "true", "yes", "on":
		return fmt.Sprintf("%s is not a value", word), "write true, in lower case"
	case "false", "no", "off":
		return fmt.Sprintf("%s is not a value", word), "write false, in lower case"
	case "none", "null", "nil", "~":
		return fmt.Sprintf("%s is not a value", word), "leave the key out: TOML has no null"
	}
	if strings.HasPrefix(after, "“") || strings.HasPrefix(after, "‘") {
		return "curly quotes are not quotes", `write straight quotes: "…"`
	}
	return "a text must stand in quotes", "write " + quoteRest(before, after)
}

// quoteRest writes the line as it would be with its value in quotes.
func quoteRest(before, after string) string {
	key := keyIn(before)
	if key == "" || strings.ContainsAny(before, "[{") {
		return "it in quotes"
	}
	value, _, _ := strings.Cut(after, " #")
	return key + " = " + quote(strings.TrimSpace(value))
}

func sayEmpty(text string, at int) (string, string) {
	before, _ := lineAt(text, at)
	key := keyIn(before)
	if key == "" || strings.ContainsAny(key, "[{") {
		return "a value is missing", ""
	}
	return fmt.Sprintf("%q has no value", key), fmt.Sprintf(`write %s = "…", or leave the key out`, key)
}

func sayFloat(text string, at int) (string, string) {
	return "a number needs digits on both sides of its point", "write 0.5 and 5.0, not .5 and 5."
}

func sayQuote(text string, at int) (string, string) {
	return "", "put it in quotes if it is a text"
}

func sayNoEquals(text string, at int) (string, string) {
	before, after := lineAt(text, at)
	line := before + after
	if isConflict(line) {
		return "the file has conflict markers of git", "settle the conflict and remove the lines with <<<<<<<, ======= and >>>>>>>"
	}
	switch trimmed := strings.TrimSpace(line); {
	case strings.HasPrefix(trimmed, "{") && strings.TrimSpace(text[:at]) == "":
		return "this is JSON, not TOML", "write [table] headers and key = value lines"
	case strings.HasPrefix(trimmed, "//") || strings.HasPrefix(trimmed, "--"):
		return "this is not a comment", "a comment starts with #"
	case strings.HasPrefix(after, ":") && strings.Trim(after, ": ") == "":
		return "this is YAML, not TOML", fmt.Sprintf("write [%s] for a table", strings.TrimSpace(before))
	case strings.HasPrefix(after, ":"):
		key := strings.TrimSpace(before[strings.LastIndexAny(before, "{,")+1:])
		return fmt.Sprintf("%q is followed by a colon", key), fmt.Sprintf("write %s =%s", key, strings.TrimRight(after[1:], " }"))
	case after == "":
		return fmt.Sprintf("%q has no value", keyIn(before)), fmt.Sprintf(`write %s = "…"`, keyIn(before))
	case strings.Contains(after, "="):
		return fmt.Sprintf("the key %q must be in quotes", keyIn(line)), "only letters, digits, _ and - need none"
	}
	return `"=" is missing`, "a line is a [table] header or key = value"
}

func isConflict(line string) bool {
	for _, m := range []string{"<<<<<<<", "=======", ">>>>>>>", "|||||||"} {
		if strings.HasPrefix(line, m) {
			return true
		}
	}
	return false
}

func sayBlankKey(text string, at int) (string, string) {
	if before, after := lineAt(text, at); isConflict(before + after) {
		return sayNoEquals(text, at)
	}
	return `there is no key before "="`, "write key = value"
}

func sayOpenString(text string, at int) (string, string) {
	return "the string is not closed in its line", `add the closing quote; a text of several lines stands between """ and """`
}

func sayOpenText(text string, at int) (string, string) {
	return "the text is not closed before the end of the file", `end it with the three quotes that it starts with`
}

func sayHeader(text string, at int) (string, string) {
	before, after := lineAt(text, at)
	name := strings.TrimSpace(strings.TrimLeft(before, " \t["))
	switch {
	case name == "":
		return "the table has no name", "write [stage.NAME], for example"
	case after == "":
		return "the table header is not closed", fmt.Sprintf("write %s]", strings.TrimSpace(before))
	}
	return "the name of the table must be in quotes", "only letters, digits, _ and - need none, and dots separate names"
}

func sayList(text string, at int) (string, string) {
	if strings.TrimSpace(text[at:]) == "" {
		return "the list is not closed", "close it with ]"
	}
	return "a comma is missing in the list", "separate the items by commas, and close the list with ]"
}

func sayInline(text string, at int) (string, string) {
	if strings.TrimSpace(text[at:]) == "" {
		return "the inline table is not closed", "close it with }"
	}
	return "a comma is missing in the inline table", "separate the keys by commas, and close the table with }"
}

func sayComma(text string, at int) (string, string) { return "there is a comma too many", "" }

func sayEscape(text string, at int) (string, string) {
	return "a backslash starts an escape, and this is none", `write the text in 'single quotes', where a backslash is just that, or double it: \\`
}

func sayRest(text string, at int) (string, string) {
	before, after := lineAt(text, at)
	trimmed := strings.TrimSpace(before)
	if strings.HasPrefix(trimmed, "[") {
		return "a table header stands alone in its line", "start a new line after it"
	}
	_, value, _ := strings.Cut(before, "=")
	value = strings.TrimSpace(value)
	if value == "" {
		return "", ""
	}
	if q := value[:1]; q == "'" || q == `"` {
		return fmt.Sprintf("the string ends before %s", strings.TrimSpace(after)), fmt.Sprintf("a quote inside needs the other quotes around, or three: %s…%s", strings.Repeat(q, 3), strings.Repeat(q, 3))
	}
	if strings.Contains(after, "=") {
		return "there are two keys in one line", "start a new line for each key"
	}
	return "a text must stand in quotes", "write " + quoteRest(before, value+after)
}

func sayControl(text string, at int) (string, string) {
	if strings.Contains(text[at:min(at+2, len(text))], "\r") {
		return "a carriage return without a newline", "save the file with the line ends of Unix or of Windows"
	}
	return "", `write it as an escape, such as \u0007`
}
