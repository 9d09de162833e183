package access

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/xtrepro/xt/internal/atomicfile"
)

// Scope is what a token allows.
type Scope string

// The scopes.
const (
	Read  Scope = "read"  // to look at runs, and to search them
	Write Scope = "write" // everything
)

// Token is one of a file of tokens. The secret itself is not in there, but its
// digest.
type Token struct {
	Name  string
	Scope Scope
	Made  time.Time
	sum   [sha256.Size]byte
}

// prefix starts the secrets, so that what looks for secrets in commits finds
// them. What follows has the form of a key of W&B, whose clients take no other.
const prefix = "xt-"

// newSecret returns a secret that nobody can guess, so that its digest needs no
// salt and no slow hash.
func newSecret() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // it never fails
	return prefix + hex.EncodeToString(b[:])
}

// ReadTokens reads a file of tokens. One that is not there has none.
func ReadTokens(file string) ([]Token, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseTokens(b, file)
}

// parseTokens reads lines of a name, a scope, a digest and a time. Those that
// start with # are comments.
func parseTokens(b []byte, file string) ([]Token, error) {
	var tokens []Token
	lines := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		t, err := parseToken(strings.Fields(line))
		if err != nil {
			return nil, fmt.Errorf("read %s: line %d: %w", file, n, err)
		}
		tokens = append(tokens, t)
	}
	return tokens, lines.Err()
}

func parseToken(words []string) (t Token, err error) {
	if len(words) != 4 {
		return t, errors.New("it is not a name, a scope, a digest and a time")
	}
	t.Name, t.Scope = words[0], Scope(words[1])
	if t.Scope != Read && t.Scope != Write {
		return t, fmt.Errorf("%q is no scope, but read and write are", words[1])
	}
	sum, err := hex.DecodeString(words[2])
	if err != nil || len(sum) != len(t.sum) {
		return t, errors.New("the digest is not one of SHA-256")
	}
	copy(t.sum[:], sum)
	t.Made, err = time.Parse(time.RFC3339, words[3])
	return t, err
}

// AddToken adds a token to a file, and returns its secret, which is not kept.
func AddToken(file, name string, scope Scope) (secret string, err error) {
	if name == "" || strings.HasPrefix(name, "#") || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return "", fmt.Errorf("%q cannot name a token: it must be one word", name)
	}
	tokens, err := ReadTokens(file)
	if err != nil {
		return "", err
	}
	if index(tokens, name) >= 0 {
		return "", fmt.Errorf("there is a token %q already", name)
	}
	secret = newSecret()
	t := Token{Name: name, Scope: scope, Made: time.Now().UTC().Truncate(time.Second), sum: sha256.Sum256([]byte(secret))}
	return secret, writeTokens(file, append(tokens, t))
}

// RemoveToken removes a token from a file; false if there is none of the name.
func RemoveToken(file, name string) (bool, error) {
	tokens, err := ReadTokens(file)
	if err != nil {
		return false, err
	}
	i := index(tokens, name)
	if i < 0 {
		return false, nil
	}
	return true, writeTokens(file, slices.Delete(tokens, i, i+1))
}

func index(tokens []Token, name string) int {
	return slices.IndexFunc(tokens, func(t Token) bool { return t.Name == name })
}

func writeTokens(file string, tokens []Token) error {
	var b bytes.Buffer
	b.WriteString("# Written by \"xt serve token\". The secrets are not in here, but their digests.\n")
	for _, t := range tokens {
		fmt.Fprintf(&b, "%s %s %x %s\n", t.Name, t.Scope, t.sum, t.Made.Format(time.RFC3339))
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return atomicfile.Write(file, b.Bytes(), 0o600)
}
