package hash

import (
	"strconv"
	"strings"
)

// Fingerprint is the digest of everything that decides a stage's result: same
// fingerprint, same result expected. It is a type of its own so that it cannot
// be mistaken for the digest of content.
type Fingerprint Sum

// String returns the fingerprint as 64 hexadecimal digits.
func (f Fingerprint) String() string { return Sum(f).String() }

// Short returns the first 10 digits, for people to look at.
func (f Fingerprint) Short() string { return Sum(f).Short() }

// IsZero reports whether f is not known.
func (f Fingerprint) IsZero() bool { return Sum(f).IsZero() }

// MarshalText implements [encoding.TextMarshaler].
func (f Fingerprint) MarshalText() ([]byte, error) { return Sum(f).MarshalText() }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (f *Fingerprint) UnmarshalText(b []byte) error { return (*Sum)(f).UnmarshalText(b) }

// Text is a description made of lines, each a label and quoted values, whose
// digest is a fingerprint. Quoting makes it impossible for two different
// descriptions to have the same text.
type Text struct{ b strings.Builder }

// Line adds a line: the label, which must be a plain word, and each value
// quoted as a Go string.
func (t *Text) Line(label string, values ...string) {
	t.b.WriteString(label)
	for _, v := range values {
		t.b.WriteByte(' ')
		t.b.WriteString(strconv.Quote(v))
	}
	t.b.WriteByte('\n')
}

// String returns the text as it is hashed.
func (t *Text) String() string { return t.b.String() }

// Fingerprint returns the digest of the text.
func (t *Text) Fingerprint() Fingerprint { return Fingerprint(Bytes([]byte(t.b.String()))) }
