package registry

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/tomldoc"
)

// NoteVersion is the version of the format that is written, and the newest that
// is read.
const NoteVersion = 1

// Note is what the message of a tag says of a version for programs. Of a tag that
// another has made it is a claim.
type Note struct {
	Version string // that the tag is about
	Number  int    // of the version, from 1; 0: not said

	Path        string    // of the model, in the project
	Node        hash.Node // what stands there, as in xt.lock
	Stage       string    // of the pipeline, that made it; "" for data
	Fingerprint string    // of that stage, in hexadecimal
	Run         string    // that made it; "" if not known
	Lock        hash.Sum  // of the bytes of xt.lock
	Metrics     map[string]float64

	From, To string   // of a promotion: the stages of the registry; "" for none
	Replaces []string // versions that left To for it
	Require  []string // rules that held
	Verified bool     // the model was made again, with the same bytes
	Forced   bool     // it was registered although something spoke against it
	Comment  string   // what the person who promoted it said

	Description *string // nil: as before
	Tags        map[string]string
	Untag       []string
	Aliases     []string // of this version, and of no other from now on
	Unalias     []string

	Extra map[string]any // keys that this xt does not know
}

// The bounds of what is read of a note, and of what is written.
const (
	maxNote    = 128 << 10
	maxEntries = 1000
	maxText    = 64 << 10
	maxNumber  = 1_000_000
)

var noteStart = regexp.MustCompile(`(?m)^xt-model = [0-9]+$`)

// parseMessage takes the message of a tag apart. Where the error is not nil there
// is no note that could be used.
func parseMessage(message string) (subject string, note *Note, err error) {
	subject, _, _ = strings.Cut(message, "\n")
	subject = strings.TrimSpace(strings.ToValidUTF8(subject, "\uFFFD"))
	at := noteStart.FindStringIndex(message)
	if at == nil {
		return subject, nil, nil
	}
	if len(message)-at[0] > maxNote {
		return subject, nil, errors.New("the note is too large")
	}
	note, err = ParseNote([]byte(message[at[0]:]))
	return subject, note, err
}

// ParseNote reads the note of a tag: TOML, from the line "xt-model = 1" on.
func ParseNote(b []byte) (*Note, error) {
	if len(b) > maxNote {
		return nil, errors.New("the note is too large")
	}
	doc, err := tomldoc.Parse(b)
	if err != nil {
		return nil, err
	}
	r := &noteReader{note: &Note{}}
	for _, n := range doc.Root.Keys {
		r.key(n)
	}
	if r.err != nil {
		return nil, r.err
	}
	return r.note, nil
}

// noteReader fills a note from a table, up to the first mistake.
type noteReader struct {
	note *Note
	err  error
}

func (r *noteReader) fail(n *tomldoc.Node, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("%.80q is not %s", n.Key, want)
	}
}

func (r *noteReader) key(n *tomldoc.Node) {
	if n.Key == "xt-model" {
		if v := r.number(n, math.MaxInt32); v > NoteVersion {
			r.err = fmt.Errorf("the note is of version %d, which a newer xt has written", v)
		}
		return
	}
	if to, ok := r.texts()[n.Key]; ok {
		*to = r.text(n)
		return
	}
	if to, ok := r.lists()[n.Key]; ok {
		*to = r.list(n)
		return
	}
	switch n.Key {
	case "number":
		r.note.Number = int(r.number(n, maxNumber))
	case "size":
		r.note.Node.Size = r.number(n, math.MaxInt64)
	case "files":
		r.note.Node.Files = r.number(n, math.MaxInt64)
	case "kind":
		r.note.Node.Kind = r.kind(n)
	case "blake3":
		r.note.Node.Sum = r.sum(n)
	case "lock":
		r.note.Lock = r.sum(n)
	case "verified":
		r.note.Verified = n.Value == true
	case "forced":
		r.note.Forced = n.Value == true
	case "description":
		text := r.text(n)
		r.note.Description = &text
	case "metrics":
		r.metrics(n)
	case "tags":
		r.tags(n)
	default:
		r.extra(n)
	}
}

func (r *noteReader) texts() map[string]*string {
	n := r.note
	return map[string]*string{"version": &n.Version, "path": &n.Path, "stage": &n.Stage, "fingerprint": &n.Fingerprint, "run": &n.Run, "from": &n.From, "to": &n.To, "comment": &n.Comment}
}

func (r *noteReader) lists() map[string]*[]string {
	n := r.note
	return map[string]*[]string{"replaces": &n.Replaces, "require": &n.Require, "untag": &n.Untag, "aliases": &n.Aliases, "unalias": &n.Unalias}
}

func (r *noteReader) text(n *tomldoc.Node) string {
	s, ok := n.Value.(string)
	if !ok || n.Kind != tomldoc.String || len(s) > maxText {
		r.fail(n, "a text")
	}
	return s
}

func (r *noteReader) list(n *tomldoc.Node) []string {
	if n.Kind != tomldoc.List || len(n.Items) > maxEntries {
		r.fail(n, "a list of texts")
		return nil
	}
	var list []string
	for _, item := range n.Items {
		list = append(list, r.text(item))
	}
	return list
}

func (r *noteReader) number(n *tomldoc.Node, limit int64) int64 {
	v, ok := n.Value.(int64)
	if !ok || v < 0 || v > limit {
		r.fail(n, "a number that it can be")
		return 0
	}
	return v
}

func (r *noteReader) kind(n *tomldoc.Node) hash.Kind {
	for k, word := range kindWords {
		if word == n.Value {
			return k
		}
	}
	r.fail(n, "a kind of file")
	return 0
}

var kindWords = map[hash.Kind]string{hash.File: "file", hash.Executable: "executable", hash.Symlink: "link", hash.Directory: "directory"}

func (r *noteReader) sum(n *tomldoc.Node) (sum hash.Sum) {
	b, err := hex.DecodeString(r.text(n))
	if err != nil || len(b) != len(sum) {
		r.fail(n, "a digest")
		return sum
	}
	copy(sum[:], b)
	return sum
}

func (r *noteReader) metrics(n *tomldoc.Node) {
	if n.Kind != tomldoc.Table || len(n.Keys) > maxEntries {
		r.fail(n, "a table of numbers")
		return
	}
	r.note.Metrics = map[string]float64{}
	for _, m := range n.Keys {
		switch v := m.Value.(type) {
		case int64:
			r.note.Metrics[m.Key] = float64(v)
		case float64:
			r.note.Metrics[m.Key] = v
		default:
			r.fail(m, "a number")
		}
	}
}

func (r *noteReader) tags(n *tomldoc.Node) {
	if n.Kind != tomldoc.Table || len(n.Keys) > maxEntries {
		r.fail(n, "a table of texts")
		return
	}
	r.note.Tags = map[string]string{}
	for _, t := range n.Keys {
		r.note.Tags[t.Key] = r.text(t)
	}
}

func (r *noteReader) extra(n *tomldoc.Node) {
	if r.note.Extra == nil {
		r.note.Extra = map[string]any{}
	}
	r.note.Extra[n.Key] = n.Plain()
}

// check refuses what a reader would refuse.
func (n *Note) check() error {
	texts := slices.Concat([]string{n.Path, n.Stage, n.Run, n.Comment}, n.Aliases)
	if n.Description != nil {
		texts = append(texts, *n.Description)
	}
	for k, v := range n.Tags {
		texts = append(texts, k, v)
	}
	for _, t := range texts {
		if len(t) > maxText {
			return &NoteError{fmt.Sprintf("a text has %d bytes, and may have %d", len(t), maxText)}
		}
		if !utf8.ValidString(t) {
			return &NoteError{fmt.Sprintf("%.80q is not UTF-8", t)}
		}
	}
	if len(n.Metrics) > maxEntries || len(n.Tags) > maxEntries {
		return &NoteError{fmt.Sprintf("there are more than %d metrics or tags", maxEntries)}
	}
	if text := n.encode(); len(text) > maxNote {
		return &NoteError{fmt.Sprintf("the note has %d bytes, and may have %d", len(text), maxNote)}
	}
	return nil
}

// NoteError says that something is too much for the message of a tag.
type NoteError struct{ Msg string }

// Error says what it is.
func (e *NoteError) Error() string { return "this does not fit into a tag: " + e.Msg }
