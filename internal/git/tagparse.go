package git

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Tag is an annotated tag.
type Tag struct {
	Object  string // the tag's own name
	Name    string // as the object itself has it
	Target  string // the object that it names
	Type    string // of the target: "commit"
	Tagger  Ident
	Message string // without the signature
	Signed  bool   // whether there is a signature; nothing is said of its worth
}

// ParseTag reads a tag as git stores it.
func ParseTag(object string, b []byte) (*Tag, error) {
	head, message, ok := strings.Cut(string(b), "\n\n")
	if !ok {
		head = strings.TrimSuffix(head, "\n")
	}
	t := &Tag{Object: object}
	var tagger bool
	for line := range strings.SplitSeq(head, "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "object":
			t.Target = value
		case "type":
			t.Type = value
		case "tag":
			t.Name = value
		case "tagger":
			t.Tagger, tagger = ParseIdent(value)
		case "gpgsig", "gpgsig-sha256":
			t.Signed = true
		}
	}
	switch {
	case !isObjectName(t.Target) || t.Type == "" || t.Name == "":
		return nil, errors.New("it is no tag of git")
	case !tagger:
		return nil, errors.New("it does not say who made it, and when")
	}
	var signed bool
	t.Message, signed = cutSignature(message)
	t.Signed = t.Signed || signed
	return t, nil
}

// signatures begin what git appends to the message of a signed tag.
var signatures = []string{"-----BEGIN PGP SIGNATURE-----", "-----BEGIN PGP MESSAGE-----", "-----BEGIN SSH SIGNATURE-----", "-----BEGIN SIGNED MESSAGE-----"}

// cutSignature takes the signature off a message: from the last line that begins
// one, as git does.
func cutSignature(message string) (text string, signed bool) {
	at := -1
	for _, s := range signatures {
		if strings.HasPrefix(message, s) {
			at = max(at, 0)
		}
		if i := strings.LastIndex(message, "\n"+s); i >= 0 {
			at = max(at, i+1)
		}
	}
	if at < 0 {
		return message, false
	}
	return message[:at], true
}

// maxStamp is the end of the year 9999, the last that can be written in JSON.
const maxStamp = 253402300799

// ParseIdent reads "Name <email> SECONDS ZONE".
func ParseIdent(s string) (Ident, bool) {
	open, end := strings.IndexByte(s, '<'), strings.LastIndexByte(s, '>')
	if open < 0 || end < open {
		return Ident{}, false
	}
	f := strings.Fields(s[end+1:])
	if len(f) != 2 {
		return Ident{}, false
	}
	seconds, err := strconv.ParseInt(f[0], 10, 64)
	if err != nil || seconds < 0 || seconds > maxStamp {
		return Ident{}, false
	}
	when := time.Unix(seconds, 0).UTC()
	if zone, err := time.Parse("-0700", f[1]); err == nil {
		when = when.In(zone.Location())
	}
	return Ident{strings.TrimSpace(s[:open]), s[open+1 : end], when}, true
}
