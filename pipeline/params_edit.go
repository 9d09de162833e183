package pipeline

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/internal/tomldoc"
	"github.com/xtrepro/xt/lock"
)

// ParamSetting is a value that a parameter is to have in its file.
type ParamSetting struct {
	File  string // ConfigFile for [params]
	Key   string // dotted
	Value any    // no table
}

// ParamSettings returns the values that an entry of xt.lock records of parameters, one
// for each that is no table.
func ParamSettings(params []lock.Param) ([]ParamSetting, error) {
	var all []ParamSetting
	for _, p := range params {
		doc, err := tomldoc.Parse([]byte("v = " + p.Value))
		if err != nil || doc.Root.Get("v") == nil {
			return nil, &MisuseError{Msg: fmt.Sprintf("parameter %s: its value %s cannot be written to a file", p.Key, p.Value)}
		}
		file := p.File
		if file == "" {
			file = ConfigFile
		}
		leaves := map[[2]string]any{}
		flattenTables(file, p.Key, doc.Root.Get("v").Plain(), leaves)
		for _, v := range sortedValues(leaves) {
			all = append(all, ParamSetting{v.File, v.Key, v.Val})
		}
	}
	return all, nil
}

// flattenTables is flatten, but for lists, which are values.
func flattenTables(file, key string, v any, flat map[[2]string]any) {
	table, ok := v.(map[string]any)
	if !ok {
		flat[[2]string{file, key}] = v
		return
	}
	for name, sub := range table {
		flattenTables(file, strings.TrimPrefix(key+"."+spellKey(name), "."), sub, flat)
	}
}

// Override returns the setting as one for this time only.
func (s *ParamSetting) Override() Override {
	o := Override{File: s.File, Key: s.Key, Value: s.Value, quoted: true}
	if s.File == ConfigFile {
		o.File = ""
	}
	return o
}

// setting returns the override as a setting of its file.
func (o *Override) setting() ParamSetting {
	s := ParamSetting{File: o.File, Key: o.Key, Value: o.Value}
	if s.File == "" {
		s.File = ConfigFile
	}
	return s
}

// ApplyParams writes values into the files that the parameters come from, and
// leaves all else in them as it is. It returns the settings that changed something.
// If one cannot be written, nothing is.
func (w *Workspace) ApplyParams(settings []ParamSetting) ([]ParamSetting, error) {
	texts, changed, err := withSettings(Dir(w.Root), settings)
	if err != nil {
		return nil, err
	}
	for file, text := range texts {
		if slices.ContainsFunc(changed, func(s ParamSetting) bool { return s.File == file }) {
			if err := atomicfile.Write(w.path(file), []byte(text), 0o666); err != nil {
				return nil, err
			}
		}
	}
	return changed, nil
}

// withSettings returns the texts of the files that the settings are about, as they
// are with them, and the settings that changed something.
func withSettings(src Source, settings []ParamSetting) (texts map[string]string, changed []ParamSetting, err error) {
	texts, changed = map[string]string{}, []ParamSetting{}
	for _, s := range settings {
		if _, ok := texts[s.File]; !ok {
			b, err := src.ReadFile(s.File)
			if err != nil {
				return nil, nil, err
			}
			texts[s.File] = string(b)
		}
		text, err := withSetting(texts[s.File], &s)
		if err != nil {
			return nil, nil, &MisuseError{Msg: fmt.Sprintf("%s: %s cannot be set here: %v", s.File, s.Key, err), Hint: fmt.Sprintf("set it to %s by hand", literal(s.Value))}
		}
		if text != texts[s.File] {
			changed = append(changed, s)
		}
		texts[s.File] = text
	}
	return texts, changed, nil
}

// withSetting returns the text of a file with another value of a parameter. That it has
// the value then, and all others as before, is seen by reading it.
func withSetting(text string, s *ParamSetting) (string, error) {
	k, err := parseKey(s.Key)
	if err != nil {
		return "", err
	}
	values, err := s.values(text)
	if err != nil {
		return "", err
	}
	old, ok := k.in(values)
	if !ok {
		return "", fmt.Errorf("there is no such key")
	}
	if literal(old) == literal(s.Value) {
		return text, nil
	}
	from, to, err := s.span(text, k)
	if err != nil {
		return "", err
	}
	spelled := literal(s.Value)
	if path.Ext(s.File) != ".toml" {
		b, err := json.Marshal(s.Value)
		if err != nil {
			return "", err
		}
		spelled = string(b)
	}
	next := text[:from] + spelled + text[to:]
	now, err := s.values(next)
	k.set(values, s.Value)
	if err != nil || literal(now) != literal(values) {
		return "", fmt.Errorf("its value cannot be told from what is around it")
	}
	return next, nil
}

// values reads the parameters in a text of the file.
func (s *ParamSetting) values(text string) (map[string]any, error) {
	if s.File != ConfigFile {
		return decodeParams(s.File, []byte(text))
	}
	doc, err := tomldoc.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	n := doc.Root.Get("params")
	if n == nil || n.Kind != tomldoc.Table {
		return nil, nil
	}
	params, _ := n.Plain().(map[string]any)
	return params, nil
}

// span returns where the value of a parameter stands in the text of its file.
func (s *ParamSetting) span(text string, k keyPath) (from, to int, err error) {
	if path.Ext(s.File) == ".toml" {
		return tomlSpan(text, k, s.File == ConfigFile)
	}
	return yamlSpan(text, k)
}

func tomlSpan(text string, k keyPath, inConfig bool) (from, to int, err error) {
	doc, err := tomldoc.Parse([]byte(text))
	if err != nil {
		return 0, 0, err
	}
	n := doc.Root
	if inConfig {
		n = n.Get("params")
	}
	for _, st := range k {
		switch {
		case n == nil:
		case st.name != "":
			n = n.Get(st.name)
		case st.index < len(n.Items):
			n = n.Items[st.index]
		default:
			n = nil
		}
	}
	if n == nil || n.End <= n.At {
		return 0, 0, fmt.Errorf("it does not stand in one place")
	}
	lead := len(text) - len(doc.Text) // a byte order mark
	return n.At + lead, n.End + lead, nil
}

// yamlSpan finds a value in YAML, and in JSON, which is YAML too.
func yamlSpan(text string, k keyPath) (from, to int, err error) {
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil || len(file.Docs) != 1 {
		return 0, 0, fmt.Errorf("this is not one document")
	}
	n := yamlAt(file.Docs[0].Body, k)
	if n == nil {
		return 0, 0, fmt.Errorf("it does not stand in one place")
	}
	pos := n.GetToken().Position
	for line := range strings.Lines(text) {
		if pos.Line--; pos.Line > 0 {
			from += len(line)
			continue
		}
		for range pos.Column - 1 {
			_, size := utf8.DecodeRuneInString(text[from:])
			from += size
		}
		break
	}
	size := valueSize(text[from:])
	if size == 0 {
		return 0, 0, fmt.Errorf("its value is written in a way that cannot be edited")
	}
	return from, from + size, nil
}

func yamlAt(n ast.Node, k keyPath) ast.Node {
	for _, st := range k {
		switch at := n.(type) {
		case *ast.MappingNode:
			n = nil
			for _, v := range at.Values {
				if v.Key.GetToken().Value == st.name {
					n = v.Value
				}
			}
		case *ast.MappingValueNode:
			n = nil
			if at.Key.GetToken().Value == st.name {
				n = at.Value
			}
		case *ast.SequenceNode:
			if st.name != "" || st.index >= len(at.Values) {
				return nil
			}
			n = at.Values[st.index]
		default:
			return nil
		}
	}
	return n
}

// valueSize returns how long the value is that a text begins with: one in quotes, a
// list in brackets, or a plain one; 0 if it is none of these.
func valueSize(text string) int {
	switch {
	case text == "" || strings.ContainsRune("|>&*!{", rune(text[0])):
		return 0
	case text[0] == '"':
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
		return 0
	case text[0] == '\'':
		if i := strings.IndexByte(text[1:], '\''); i >= 0 && !strings.HasPrefix(text[i+2:], "'") {
			return i + 2
		}
		return 0
	case text[0] == '[':
		if i := strings.IndexByte(text, ']'); i >= 0 && !strings.ContainsAny(text[1:i], "[\"'#") {
			return i + 1
		}
		return 0
	}
	end := strings.IndexAny(text, ",]}#\r\n")
	if end < 0 {
		end = len(text)
	}
	return len(strings.TrimRight(text[:end], " \t"))
}
