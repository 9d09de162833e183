package attest

import (
	"context"
	"crypto"
	"fmt"
	"path"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Namespace is what a key must be allowed to sign, if its line among the allowed
// signers has the option namespaces.
const Namespace = "xt-attestation"

// Signer is a key that is trusted, and whose it is. It implements dsse.Verifier.
type Signer struct {
	Principals    string // whose it is, as the file says: "alice@example.org,ci"
	key           ssh.PublicKey
	after, before time.Time // zero: no limit
}

// ParseSigners reads a list of keys in the format of OpenSSH's allowed signers,
// see ssh-keygen(1), which git verifies signatures with too. A key for other
// namespaces than [Namespace] is left out. Errors name the file and the line.
func ParseSigners(file string, text []byte) ([]*Signer, error) {
	var signers []*Signer
	seen := map[string]bool{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		s, err := parseSigner(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n, err)
		}
		if id := ""; s != nil {
			if id, _ = s.KeyID(); !seen[id] {
				signers = append(signers, s)
			}
			seen[id] = true
		}
	}
	return signers, nil
}

// parseSigner reads a line. The signer is nil if the key is for something else.
func parseSigner(line string) (*Signer, error) {
	who, rest, err := cutWord(line)
	if err != nil {
		return nil, err
	}
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(strings.TrimSpace(rest)))
	if err != nil {
		return nil, fmt.Errorf("want PRINCIPALS [OPTIONS] KEYTYPE KEY, as in \"alice@example.org ssh-ed25519 AAAA…\"")
	}
	s := &Signer{Principals: who, key: key}
	ours := true
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		value = strings.Trim(value, `"`)
		switch strings.ToLower(name) {
		case "valid-after":
			s.after, err = parseTime(value)
		case "valid-before":
			s.before, err = parseTime(value)
		case "namespaces":
			ours = matches(value, Namespace)
		default:
			err = fmt.Errorf("option %s is not supported", name)
		}
		if err != nil {
			return nil, err
		}
	}
	if !ours {
		return nil, nil
	}
	return s, nil
}

// cutWord cuts the first word off a line; it may be in quotes.
func cutWord(line string) (word, rest string, err error) {
	if strings.HasPrefix(line, `"`) {
		word, rest, ok := strings.Cut(line[1:], `"`)
		if !ok {
			return "", "", fmt.Errorf("a quotation mark is open")
		}
		return word, rest, nil
	}
	if i := strings.IndexAny(line, " \t"); i > 0 {
		return line[:i], line[i:], nil
	}
	return line, "", nil
}

// matches reports whether one of the patterns in a list matches, and none that is
// negated does.
func matches(list, name string) bool {
	found := false
	for _, p := range strings.Split(list, ",") {
		p, not := strings.CutPrefix(strings.TrimSpace(p), "!")
		if ok, err := path.Match(p, name); ok && err == nil {
			if not {
				return false
			}
			found = true
		}
	}
	return found
}

// parseTime reads a time as OpenSSH writes it: YYYYMMDD or YYYYMMDDHHMM[SS], of
// the local zone, or with Z behind it of UTC.
func parseTime(s string) (time.Time, error) {
	zone, digits := time.Local, s
	if d, ok := strings.CutSuffix(s, "Z"); ok {
		zone, digits = time.UTC, d
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if t, err := time.ParseInLocation(layout, digits, zone); err == nil && len(layout) == len(digits) {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time of the form YYYYMMDD[HHMM[SS]][Z]", s)
}

// Trusts reports whether the key was to be trusted at a time.
func (s *Signer) Trusts(at time.Time) bool {
	return !(!s.after.IsZero() && at.Before(s.after)) && !(!s.before.IsZero() && at.After(s.before))
}

// KeyID returns the fingerprint of the key, as "ssh-keygen -l" prints it.
func (s *Signer) KeyID() (string, error) { return ssh.FingerprintSHA256(s.key), nil }

// Public returns the key.
func (s *Signer) Public() crypto.PublicKey {
	if k, ok := s.key.(ssh.CryptoPublicKey); ok {
		return k.CryptoPublicKey()
	}
	return s.key
}

// Verify checks a signature of data.
func (s *Signer) Verify(_ context.Context, data, sig []byte) error { return verify(s.key, data, sig) }
