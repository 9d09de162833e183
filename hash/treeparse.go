package hash

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ParseTree reads the text that [Tree.Encode] writes, and nothing else: any
// other spelling, an unsorted or repeated name, a name that cannot stand in a
// directory or a digest that contradicts a link's target is an error that
// names the line.
func ParseTree(b []byte) (Tree, error) {
	rest, ok := bytes.CutPrefix(b, []byte(treeHeader))
	if !ok {
		return nil, fmt.Errorf("tree: want the first line %q", strings.TrimSpace(treeHeader))
	}
	p := treeParser{tree: make(Tree, 0, bytes.Count(rest, []byte("\n")))}
	for n := 2; len(rest) > 0; n++ {
		line, after, ok := bytes.Cut(rest, []byte("\n"))
		if !ok {
			return nil, fmt.Errorf("tree: line %d: cut short", n)
		}
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("tree: line %d: %w", n, err)
		}
		rest = after
	}
	return p.tree, nil
}

type treeParser struct {
	tree  Tree
	total Node   // to see that the sums of sizes and files do not overflow
	again []byte // the line as Encode would write it
}

// line reads one entry and checks that it is spelled as Encode spells it, by
// spelling it again: there is then no second form to think of.
func (p *treeParser) line(line []byte) error {
	e, err := parseEntry(string(line))
	if err != nil {
		return err
	}
	p.again = appendEntry(p.again[:0], e.Name, &e.Node)
	if !bytes.Equal(p.again[:len(p.again)-1], line) {
		return errors.New("not in the canonical spelling")
	}
	if n := len(p.tree); n > 0 && p.tree[n-1].Name >= e.Name {
		return fmt.Errorf("name %q: not in order, or there twice", e.Name)
	}
	if e.Size > math.MaxInt64-p.total.Size || e.Files >= math.MaxInt64-p.total.Files {
		return errors.New("the sizes add up to too much")
	}
	p.total.add(&e.Node)
	p.tree = append(p.tree, e)
	return nil
}

func parseEntry(line string) (Entry, error) {
	var e Entry
	word, rest, _ := strings.Cut(line, " ")
	if e.Kind = parseKind(word); e.Kind == 0 {
		return e, fmt.Errorf("unknown kind %.20q", word)
	}
	word, rest, _ = strings.Cut(rest, " ")
	var err error
	if e.Sum, err = ParseSum(word); err != nil {
		return e, err
	}
	if e.Sum.IsZero() {
		return e, errors.New("the zero digest")
	}
	if e.Size, rest, err = cutCount(rest); err != nil {
		return e, err
	}
	if e.Kind == Directory {
		if e.Files, rest, err = cutCount(rest); err != nil {
			return e, err
		}
	}
	return e, e.parseNames(rest)
}

// parseNames reads what is left of a line: the name and a link's target.
func (e *Entry) parseNames(s string) (err error) {
	if e.Name, s, err = cutWord(s); err != nil {
		return err
	}
	if err := CheckName(e.Name); err != nil {
		return err
	}
	if e.Kind == Symlink {
		if !strings.HasPrefix(s, " ") {
			return errors.New("a link without a target")
		}
		if e.Target, s, err = cutWord(s[1:]); err != nil {
			return err
		}
		if err := e.checkTarget(); err != nil {
			return err
		}
	}
	if s != "" {
		return fmt.Errorf("unexpected %.40q at the end", s)
	}
	return nil
}

// checkTarget compares a link's target with its digest and size: one that lies
// would be checked out as something else than its digest names.
func (e *Entry) checkTarget() error {
	if e.Target == "" || strings.IndexByte(e.Target, 0) >= 0 {
		return fmt.Errorf("link %q: no link can point to %q", e.Name, e.Target)
	}
	if e.Size != int64(len(e.Target)) || e.Sum != Bytes([]byte(e.Target)) {
		return fmt.Errorf("link %q: the digest is not the target's", e.Name)
	}
	return nil
}

// CheckName reports why name cannot stand in a [Tree]; nil if it can.
func CheckName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
	case strings.ContainsAny(name, "/\x00"):
	case reserved(name):
		return fmt.Errorf("name %q: git and xt keep it for themselves", name)
	default:
		return nil
	}
	return fmt.Errorf("name %q: not a name of a directory entry", name)
}

func parseKind(word string) Kind {
	for k, w := range kindWords {
		if w == word && w != "" {
			return Kind(k)
		}
	}
	return 0
}

// cutCount reads the number up to the next space.
func cutCount(s string) (n int64, rest string, err error) {
	word, rest, _ := strings.Cut(s, " ")
	n, err = strconv.ParseInt(word, 10, 64)
	if err != nil || n < 0 {
		return 0, "", fmt.Errorf("bad number %.30q", word)
	}
	return n, rest, nil
}

// cutWord reads the plain or quoted word that s starts with.
func cutWord(s string) (word, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		if i := strings.IndexByte(s, ' '); i >= 0 {
			return s[:i], s[i:], nil
		}
		return s, "", nil
	}
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", fmt.Errorf("bad quoted name %.40q", s)
	}
	word, err = strconv.Unquote(quoted)
	return word, s[len(quoted):], err
}
