package pipeline

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/internal/tomldoc"
	"github.com/xtrepro/xt/lock"
)

// AddRemote appends a remote to the xt.toml of the project at root. The rest of
// the file stays as it is, and all of it if the result would have mistakes,
// which are a [*ConfigErrors].
func AddRemote(root, name string, r Remote) error {
	doc, text, err := readForEdit(root)
	if err != nil {
		return err
	}
	table := doc.Root.Get("remote")
	switch {
	case !namePattern.MatchString(name):
		return &MisuseError{Msg: fmt.Sprintf("%q cannot be the name of a remote", name), Hint: "a name is made of " + nameWant}
	case table.Get(name) != nil:
		line, _ := doc.Pos(table.Get(name).KeyAt)
		return &MisuseError{Msg: fmt.Sprintf("xt.toml has a remote %q already, in line %d", name, line), Hint: "give another name, or \"xt remote remove " + name + "\" first"}
	case table != nil && table.Inline:
		return &MisuseError{Msg: "xt.toml has its remotes in one line, to which xt does not add", Hint: "write [remote." + name + "] and url below it by hand"}
	}
	if msg, hint := CheckRemote(r.URL); msg != "" {
		return &MisuseError{Msg: "url: " + msg, Hint: hint}
	}
	return writeEdited(root, appendTable(text, name, r))
}

// readForEdit reads xt.toml as a document and as it is on the disk.
func readForEdit(root string) (*tomldoc.Doc, string, error) {
	src := Dir(root)
	doc, err := readConfig(src)
	if err != nil {
		return nil, "", &ConfigErrors{List: []*ConfigError{err}}
	}
	b, readErr := src.ReadFile(ConfigFile)
	return doc, string(b), readErr
}

// appendTable returns a text with the table of a remote at its end.
func appendTable(text, name string, r Remote) string {
	nl := "\n"
	if strings.Contains(text, "\r\n") {
		nl = "\r\n"
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += nl
	}
	lines := []string{"[remote." + tomlKey(name) + "]", "url = " + quoted(r.URL)}
	if text != "" {
		lines = slices.Insert(lines, 0, "")
	}
	if r.Default {
		lines = append(lines, "default = true")
	}
	if len(r.Recipients) > 0 {
		words := make([]string, len(r.Recipients))
		for i, w := range r.Recipients {
			words[i] = quoted(w)
		}
		lines = append(lines, "recipients = ["+strings.Join(words, ", ")+"]")
	}
	return text + strings.Join(lines, nl) + nl
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func tomlKey(name string) string {
	if bareKey.MatchString(name) {
		return name
	}
	return strconv.Quote(name) // names have nothing that the two spell differently
}

// quoted returns a text as a TOML string.
func quoted(s string) string {
	text, err := lock.Literal(s)
	if err != nil {
		return strconv.QuoteToASCII(s) // it is no UTF-8, and no address
	}
	return text
}

// edited is the project with another xt.toml.
type edited struct {
	Source
	text string
}

// ReadFile implements [Source].
func (e *edited) ReadFile(path string) ([]byte, error) {
	if path == ConfigFile {
		return []byte(e.text), nil
	}
	return e.Source.ReadFile(path)
}

// writeEdited replaces xt.toml if the new text has no mistakes.
func writeEdited(root, text string) error {
	if _, err := Load(&edited{Dir(root), text}); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(root, ConfigFile), []byte(text), 0o666)
}

// RemoveRemote takes a remote out of the xt.toml of the project at root, of which
// the rest stays as it is.
func RemoveRemote(root, name string) error {
	doc, text, err := readForEdit(root)
	if err != nil {
		return err
	}
	table := doc.Root.Get("remote")
	n := table.Get(name)
	if n == nil {
		cfg := &Config{Remotes: map[string]Remote{}}
		if table != nil {
			for _, k := range table.Keys {
				cfg.Remotes[k.Key] = Remote{}
			}
		}
		_, err := cfg.remoteNamed(name)
		return err
	}
	if err := unused(root, name); err != nil {
		return err
	}
	shift := len(text) - len(doc.Text) // a byte order mark
	out := cutLines(doc, text, shift, linesOf(doc, n))
	if !isWithout(doc, out, name) {
		line, _ := doc.Pos(n.KeyAt)
		return &MisuseError{Msg: fmt.Sprintf("remote %q is written so that xt cannot take it out of xt.toml", name), Hint: fmt.Sprintf("delete it by hand, at line %d", line)}
	}
	return writeEdited(root, out)
}

// unused refuses a remote that outputs name.
func unused(root, name string) error {
	g, err := Load(Dir(root))
	if err != nil {
		return nil // what is wrong is told when the new text is read
	}
	users := map[string]bool{}
	for _, s := range g.Stages {
		for _, o := range s.Outs {
			if o.Remote == name {
				users[o.Path] = true
			}
		}
	}
	if len(users) == 0 {
		return nil
	}
	return &MisuseError{Msg: fmt.Sprintf("remote %q is named by output %s", name, strings.Join(slices.Sorted(maps.Keys(users)), ", ")), Hint: "take remote = … out of there first"}
}

// linesOf returns the lines, from 1, that say what n is: that of its header, and
// those of its keys.
func linesOf(doc *tomldoc.Doc, n *tomldoc.Node) map[int]bool {
	lines := map[int]bool{}
	add := func(from, to int) {
		first, _ := doc.Pos(from)
		last, _ := doc.Pos(max(from, to-1))
		for l := first; l <= last; l++ {
			lines[l] = true
		}
	}
	last := max(n.KeyAt, n.End-1)
	for _, k := range n.Keys {
		add(k.KeyAt, k.End)
		last = max(last, k.End-1)
	}
	// A header takes the comments between its keys along.
	if strings.HasPrefix(doc.Text[n.KeyAt:], "[") {
		add(n.KeyAt, last)
		return lines
	}
	if n.Inline {
		add(n.KeyAt, n.End)
	}
	return lines
}

// cutLines returns the text without the lines, and without the empty line that
// would be left between two others or at the end.
func cutLines(doc *tomldoc.Doc, text string, shift int, lines map[int]bool) string {
	var kept []string
	l, cut := 0, false
	for line := range strings.Lines(doc.Text) {
		l++
		empty := strings.TrimSpace(line) == ""
		switch {
		case lines[l]:
			cut = true
		case cut && empty && (len(kept) == 0 || strings.TrimSpace(kept[len(kept)-1]) == ""):
		default:
			kept = append(kept, line)
			cut = false
		}
	}
	for cut && len(kept) > 0 && strings.TrimSpace(kept[len(kept)-1]) == "" {
		kept = kept[:len(kept)-1]
	}
	return text[:shift] + strings.Join(kept, "")
}

// isWithout reports whether the text says what doc does, but for one remote.
func isWithout(doc *tomldoc.Doc, text, name string) bool {
	after, err := tomldoc.Parse([]byte(text))
	if err != nil {
		return false
	}
	want, got := doc.Root.Plain().(map[string]any), after.Root.Plain().(map[string]any)
	if remotes, ok := want["remote"].(map[string]any); ok {
		delete(remotes, name)
	}
	for _, m := range []map[string]any{want, got} {
		if remotes, ok := m["remote"].(map[string]any); ok && len(remotes) == 0 {
			delete(m, "remote")
		}
	}
	return reflect.DeepEqual(want, got)
}

// RemoteNames returns the names of the remotes in the xt.toml of the project at
// root, sorted; none where that cannot be read.
func RemoteNames(root string) []string {
	if _, err := os.Stat(root); err != nil {
		return nil
	}
	g, err := Load(Dir(root))
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(g.Config.Remotes))
}
