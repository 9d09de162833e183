package hash

import "strconv"

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
type Text struct{ b []byte }

// Line adds a line: the label, which must be a plain word, and each value
// quoted as a Go string.
func (t *Text) Line(label string, values ...string) {
	if t.b == nil {
		t.b = make([]byte, 0, 1024) // as long as most
	}
	t.b = append(t.b, label...)
	for _, v := range values {
		t.b = append(t.b, ' ')
		t.b = appendQuoted(t.b, v)
	}
	t.b = append(t.b, '\n')
}

// appendQuoted is [strconv.AppendQuote], at a quarter of the cost for what has
// nothing to escape.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return strconv.AppendQuote(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// String returns the text as it is hashed.
func (t *Text) String() string { return string(t.b) }

// Fingerprint returns the digest of the text.
func (t *Text) Fingerprint() Fingerprint { return Fingerprint(Bytes(t.b)) }
