package tomldoc

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// SyntaxError says why a text is no TOML.
type SyntaxError struct {
	Line, Col int // from 1
	Msg       string
	Hint      string // what to write instead; "" if it is not plain
}

// Error returns the position and the message.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Msg) }

const byteOrderMark = "\ufeff"

// Parse reads a TOML file. The error is a [*SyntaxError].
func Parse(b []byte) (*Doc, error) {
	d := newDoc(strings.TrimPrefix(string(b), byteOrderMark))
	if err := d.checkEncoding(); err != nil {
		return nil, err
	}
	// The scan comes first, because it is the one that bounds the depth: the
	// parser recurses as deep as the text says.
	s := &scanner{src: d.Text, root: &Node{Kind: Table}}
	s.scan()
	switch {
	case s.tooMany:
		return nil, d.errorAt(s.i, fmt.Sprintf("more than %d keys and values", maxNodes), "")
	case s.tooDeep && s.parts > maxParts:
		return nil, d.errorAt(s.i, "the key has too many parts", fmt.Sprintf("a dotted key can have %d", maxParts))
	case s.tooDeep:
		return nil, d.errorAt(s.i, "nested too deep", fmt.Sprintf("tables and lists can be nested %d deep", maxDepth))
	}
	d.Root = s.root
	if s.plain() && plainText(d.Text) {
		return d, nil
	}
	var values map[string]any
	if _, err := toml.Decode(d.Text, &values); err != nil {
		return nil, d.explain(err, s)
	}
	if s.again != nil {
		return nil, d.twice(s) // some of these the parser lets pass, and drops a value
	}
	fill(d.Root, values)
	return d, nil
}

func (d *Doc) errorAt(offset int, msg, hint string) *SyntaxError {
	line, col := d.Pos(offset)
	return &SyntaxError{Line: line, Col: col, Msg: msg, Hint: hint}
}

// checkEncoding looks for what an editor or a shell with other ideas about text
// leaves behind.
func (d *Doc) checkEncoding() error {
	if strings.HasPrefix(d.Text, "\xff\xfe") || strings.HasPrefix(d.Text, "\xfe\xff") || strings.IndexByte(d.Text[:min(8, len(d.Text))], 0) >= 0 {
		return d.errorAt(0, "the file is UTF-16, but TOML is UTF-8", "save it as UTF-8; PowerShell's > writes UTF-16, Set-Content -Encoding utf8 does not")
	}
	if utf8.ValidString(d.Text) {
		return nil
	}
	for i := 0; i < len(d.Text); {
		r, n := utf8.DecodeRuneInString(d.Text[i:])
		if r == utf8.RuneError && n == 1 {
			return d.errorAt(i, fmt.Sprintf("byte 0x%02x is not UTF-8", d.Text[i]), "save the file as UTF-8")
		}
		i += n
	}
	return nil
}

// fill gives the nodes found by the scanner the values found by the parser,
// which has the last word: what the scanner did not see stands where its table
// does.
func fill(n *Node, value any) {
	switch v := value.(type) {
	case map[string]any:
		fillTable(n, v)
	case []map[string]any:
		n.Kind = List
		fillList(n, len(v), func(i int) any { return v[i] })
	case []any:
		n.Kind = List
		fillList(n, len(v), func(i int) any { return v[i] })
	case string:
		n.Kind, n.Value = String, v
	case int64:
		n.Kind, n.Value = Integer, v
	case float64:
		n.Kind, n.Value = Float, v
	case bool:
		n.Kind, n.Value = Boolean, v
	case time.Time:
		// A date means what its text says; the scanner kept it.
		if n.Kind = Date; n.Value == nil {
			n.Value = v.Format(time.RFC3339Nano)
		}
	}
}

func fillTable(n *Node, values map[string]any) {
	n.Kind, n.Value = Table, nil
	seen := n.Keys[:0]
	for _, c := range n.Keys {
		if v, ok := values[c.Key]; ok {
			fill(c, v)
			seen = append(seen, c)
		}
	}
	n.Keys = seen
	if len(seen) == len(values) {
		return
	}
	var missing []string
	for k := range values {
		if n.Get(k) == nil {
			missing = append(missing, k)
		}
	}
	sort.Strings(missing)
	for _, k := range missing {
		c := &Node{Key: k, KeyAt: n.KeyAt, At: n.At, End: n.At}
		fill(c, values[k])
		n.add(c)
	}
}

func fillList(n *Node, count int, value func(int) any) {
	for len(n.Items) < count {
		n.Items = append(n.Items, &Node{KeyAt: n.KeyAt, At: n.At, End: n.At})
	}
	n.Items = n.Items[:count]
	for i, c := range n.Items {
		fill(c, value(i))
	}
}

// explain puts the parser's error into the words of someone who wrote the file.
func (d *Doc) explain(err error, s *scanner) *SyntaxError {
	var pe toml.ParseError
	if !errors.As(err, &pe) {
		return d.errorAt(0, strings.TrimPrefix(err.Error(), "toml: "), "")
	}
	at := min(max(0, pe.Position.Start), len(d.Text))
	if s.again != nil && strings.Contains(pe.Message, "already") {
		return d.twice(s)
	}
	msg, hint := reword(pe.Message, d.Text, at)
	return d.errorAt(at, msg, hint)
}

// twice reports a key that is given a second time.
func (d *Doc) twice(s *scanner) *SyntaxError {
	line, _ := d.Pos(s.first.KeyAt)
	return d.errorAt(s.again.KeyAt, fmt.Sprintf("%q is given twice", s.again.Key), fmt.Sprintf("it is given first in line %d", line))
}
