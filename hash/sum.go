// Package hash names bytes by what they are: BLAKE3 digests of files,
// directory trees and labelled text, and the index that remembers which of
// them need not be read again.
package hash

import (
	"encoding/hex"
	"fmt"
)

// Size is the length of a digest in bytes.
const Size = 32

// Sum is a BLAKE3-256 digest: for a file, what b3sum prints. It is comparable
// and usable as a map key. The zero Sum stands for "not known" and is the
// digest of nothing that xt stores.
type Sum [Size]byte

// ParseSum reads the 64 lower-case hexadecimal digits that [Sum.String]
// writes. Anything else is an error that quotes s.
func ParseSum(s string) (Sum, error) {
	var sum Sum
	if len(s) != 2*Size {
		return sum, fmt.Errorf("digest %.80q: want %d hexadecimal digits, not %d characters", s, 2*Size, len(s))
	}
	for _, c := range []byte(s) {
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return sum, fmt.Errorf("digest %q: %q is not a lower-case hexadecimal digit", s, c)
		}
	}
	_, err := hex.Decode(sum[:], []byte(s))
	return sum, err
}

// String returns the digest as 64 lower-case hexadecimal digits.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// Short returns the first 10 digits, for people to look at.
func (s Sum) Short() string { return hex.EncodeToString(s[:5]) }

// IsZero reports whether s is the zero Sum, which stands for "not known".
func (s Sum) IsZero() bool { return s == Sum{} }

// MarshalText implements [encoding.TextMarshaler]; the zero Sum is empty text.
func (s Sum) MarshalText() ([]byte, error) {
	if s.IsZero() {
		return nil, nil
	}
	return []byte(s.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Sum) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = Sum{}
		return nil
	}
	sum, err := ParseSum(string(text))
	if err == nil {
		*s = sum
	}
	return err
}
