package pipeline

import (
	"errors"
	"fmt"
	"strings"

	"github.com/xtrepro/xt/internal/suggest"
	"github.com/xtrepro/xt/internal/tomldoc"
)

// Override gives a parameter another value than its file does.
type Override struct {
	File  string // "": whichever file has the key
	Key   string
	Value any // of the types of [Param.Value]

	text   string // as it was typed
	quoted bool   // whether the value was given in quotes, so that it is a text by will
}

// ParseOverride reads "key=value" or "file:key=value". The value is a TOML
// literal, and text if it is not one.
func ParseOverride(s string) (Override, error) {
	name, text, ok := strings.Cut(s, "=")
	if !ok || strings.TrimSpace(name) == "" {
		return Override{}, fmt.Errorf("%q is not of the form key=value", s)
	}
	o := Override{Key: strings.TrimSpace(name), Value: text, text: s}
	if file, key, ok := strings.Cut(o.Key, ":"); ok && isParamsFile(file) {
		o.File, o.Key = file, key
	}
	if _, err := parseKey(o.Key); err != nil {
		return Override{}, fmt.Errorf("%q is not a key, such as train.lr", o.Key)
	}
	if strings.ContainsAny(text, "\r\n") {
		return o, nil
	}
	doc, err := tomldoc.Parse([]byte("v = " + text))
	if err == nil && len(doc.Root.Keys) == 1 && doc.Root.Get("v") != nil {
		v := doc.Root.Get("v")
		o.Value, o.quoted = v.Plain(), v.Kind == tomldoc.String
	}
	return o, nil
}

// override puts the given values in the place of those of the files.
func (l *loader) override() {
	for i := range l.overrides {
		o := &l.overrides[i]
		if o.text == "" {
			o.text = fmt.Sprintf("%s=%v", o.Key, o.Value)
		}
		if err := l.overrideOne(o); err != nil {
			var pe *paramsError
			errors.As(err, &pe)
			l.rep.add(&ConfigError{Pos: Position{File: "-S " + o.text}, Msg: pe.msg, Hint: pe.hint})
		}
	}
}

func (l *loader) overrideOne(o *Override) error {
	k, err := parseKey(o.Key)
	if err != nil {
		return &paramsError{msg: fmt.Sprintf("%q is not a key", o.Key)}
	}
	values, hint := l.names.values, l.names.hint
	if o.File != "" {
		if values = l.paramsFile(o.File, Position{File: "-S " + o.text}, ""); values == nil {
			return nil // it was told why
		}
		hint = func(word string) string { return suggest.DidYouMean(word, keysOf(values)) }
	}
	old, ok := k.in(values)
	if !ok {
		return &paramsError{msg: fmt.Sprintf("unknown parameter %q", o.Key), hint: hint(o.Key)}
	}
	was, is := valueKind(old), valueKind(o.Value)
	if s, isText := o.Value.(string); isText && was != is && old != nil && !o.quoted {
		return &paramsError{
			msg:  fmt.Sprintf("%q is %s%s, and %q is a text", o.Key, was, valueText(old), s),
			hint: fmt.Sprintf(`give %s, or put the text in quotes: -S '%s=%q'`, was, o.Key, s),
		}
	}
	if f, isInt := o.Value.(int64); isInt && is != was && was == "a number" {
		o.Value = float64(f) // so that lr=1 stays the same kind of number as lr=0.1
	}
	if o.File == "" {
		o.File = l.names.file[k[0].name]
	}
	o.Key = k.String()
	l.assign(o.File, k, o.Value)
	return nil
}

// assign replaces a value wherever it is kept.
func (l *loader) assign(file string, k keyPath, value any) {
	if owner, ok := l.names.file[k[0].name]; ok && owner == file {
		k.set(l.names.values, value)
	}
	if file == "" {
		k.set(l.cfg.Params, value)
	} else {
		k.set(l.files[file], value)
	}
}

// valueKind names the type of a parameter's value.
func valueKind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int64:
		return "an integer"
	case float64:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	}
	return "a table"
}
