package pipeline

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/internal/tomldoc"
)

// shape says what a value in xt.toml may be. One tree of shapes, [fileShape],
// is what the strict reader checks against and what the JSON Schema is printed
// from, so that they cannot differ.
type shape struct {
	kinds   kinds
	want    string // in words, after "must be"
	doc     string // for editors: what it means
	example string // in TOML, right of the equals sign
	def     any    // what holds if the key is left out; nil if that needs words

	words    []string       // the strings that are allowed; nil: any
	pattern  *regexp.Regexp // what a string has to match
	refs     bool           // a string with ${…} in it is looked at once that is replaced
	min, max int64          // of an integer; both 0: any
	only     *bool          // the only boolean allowed

	item *shape  // of a list
	keys []key   // of a table with known keys
	rest *shape  // of a table whose keys the user chooses, beside the known ones
	name *naming // what those keys may be
}

// key is a known key of a table.
type key struct {
	name     string
	shape    *shape
	required bool
	also     []string // what other tools call it
}

// naming is a rule for names that the user chooses.
type naming struct {
	what    string // "stage"
	pattern *regexp.Regexp
	want    string // in words
}

// kinds is a set of [tomldoc.Kind].
type kinds uint8

const (
	aString  kinds = 1 << tomldoc.String
	aInteger kinds = 1 << tomldoc.Integer
	aFloat   kinds = 1 << tomldoc.Float
	aBoolean kinds = 1 << tomldoc.Boolean
	aDate    kinds = 1 << tomldoc.Date
	aList    kinds = 1 << tomldoc.List
	aTable   kinds = 1 << tomldoc.Table

	aNumber = aInteger | aFloat
	aScalar = aString | aNumber | aBoolean | aDate
	aAny    = aScalar | aList | aTable
)

func (k kinds) has(kind tomldoc.Kind) bool { return k&(1<<kind) != 0 }

// key returns a known key of a table, or nil.
func (s *shape) key(name string) *key {
	for i := range s.keys {
		if s.keys[i].name == name {
			return &s.keys[i]
		}
	}
	return nil
}

func (s *shape) names() []string {
	names := make([]string, len(s.keys))
	for i, k := range s.keys {
		names[i] = k.name
	}
	return names
}

// synonym returns the key that other tools call name, or "".
func (s *shape) synonym(name string) string {
	for _, k := range s.keys {
		for _, a := range k.also {
			if strings.EqualFold(a, name) {
				return k.name
			}
		}
	}
	return ""
}

// The shapes that are used more than once.

func text(want, doc, example string) *shape {
	return &shape{kinds: aString, want: want, doc: doc, example: example}
}

func texts(want, doc, example string) *shape {
	return &shape{kinds: aString | aList, want: want, doc: doc, example: example, item: &shape{kinds: aString, want: "a string"}}
}

func integer(want, doc, example string, lo, hi int64) *shape {
	return &shape{kinds: aInteger, want: want, doc: doc, example: example, min: lo, max: hi}
}

func flag(doc string, def bool) *shape {
	return &shape{kinds: aBoolean, want: "true or false", doc: doc, example: strconv.FormatBool(!def), def: def}
}

func table(doc string, keys ...key) *shape {
	return &shape{kinds: aTable, want: "a table", doc: doc, keys: keys}
}

func tables(doc string, name *naming, each *shape) *shape {
	return &shape{kinds: aTable, want: "a table", doc: doc, rest: each, name: name}
}
