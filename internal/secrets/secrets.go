// Package secrets finds keys and passwords in texts that are about to be shared.
package secrets

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Match is a place in a text that looks like a secret. It does not hold the
// secret itself, so that it can be shown to anybody.
type Match struct {
	Line int    // from 1
	What string // what it looks like, with its article: "an AWS access key"
}

// kind is a sort of secret that can be told by how it begins.
type kind struct {
	what   string
	begins string         // what a search looks for
	rest   *regexp.Regexp // what has to follow that
	mixed  bool           // whether digits have to be in it, as words are no key
}

var kinds = func() []kind {
	k := func(what, begins, rest string) kind {
		return kind{what: what, begins: begins, rest: regexp.MustCompile("^(?:" + rest + ")")}
	}
	all := []kind{
		k("an AWS access key", "AKIA", `[0-9A-Z]{16}\b`),
		k("an AWS access key", "ASIA", `[0-9A-Z]{16}\b`),
		k("a GitHub token", "github_pat_", `[A-Za-z0-9_]{22}`),
		k("a GitLab token", "glpat-", `[A-Za-z0-9_-]{20}`),
		k("a Google API key", "AIza", `[A-Za-z0-9_-]{35}`),
		k("a Hugging Face token", "hf_", `[A-Za-z0-9]{30}`),
		k("an age secret key", "AGE-SECRET-KEY-1", `[0-9A-Z]{20}`),
		k("a private key", "-----BEGIN ", `(?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----`),
	}
	for _, c := range "pousr" {
		all = append(all, k("a GitHub token", "gh"+string(c)+"_", `[A-Za-z0-9]{36}`))
	}
	for _, c := range "abprs" {
		all = append(all, k("a Slack token", "xox"+string(c)+"-", `[A-Za-z0-9-]{10}`))
	}
	key := k("an API key", "sk-", `[A-Za-z0-9_-]{20,}`)
	key.mixed = true
	return append(all, key)
}()

// most is how many places are told of one text.
const most = 100

// Find returns the places in a text that look like secrets, in the order of the
// text, each line and kind once. Of very many it returns some.
func Find(text []byte) []Match {
	var found []Match
	add := func(at int, what string) {
		if len(found) == most {
			return
		}
		m := Match{1 + bytes.Count(text[:at], []byte{'\n'}), what}
		if !slices.Contains(found, m) {
			found = append(found, m)
		}
	}
	for i := range kinds {
		kinds[i].find(text, add)
	}
	findPasswords(text, add)
	slices.SortStableFunc(found, func(a, b Match) int { return a.Line - b.Line })
	return found
}

func (k *kind) find(text []byte, add func(at int, what string)) {
	begins := []byte(k.begins)
	for at := 0; ; at += len(begins) {
		i := bytes.Index(text[at:], begins)
		if i < 0 {
			return
		}
		at += i
		if at > 0 && isWord(rune(text[at-1])) && begins[0] != '-' {
			continue
		}
		rest := k.rest.Find(text[at+len(begins):])
		if rest == nil || k.mixed && !bytes.ContainsFunc(rest, unicode.IsDigit) {
			continue
		}
		add(at, k.what)
	}
}

func isWord(c rune) bool {
	return c == '_' || c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c))
}

// authority is what stands between an address's scheme and its host.
var authority = regexp.MustCompile("^[^\\s/:@\"'`<>]*:([^\\s/@\"'`<>]+)@[A-Za-z0-9\\[]")

// findPasswords finds addresses with a password. One that a variable stands for
// is none, nor are stars.
func findPasswords(text []byte, add func(at int, what string)) {
	sep := []byte("://")
	for at := 0; ; at += len(sep) {
		i := bytes.Index(text[at:], sep)
		if i < 0 {
			return
		}
		at += i
		rest := text[at+len(sep):]
		rest = rest[:min(len(rest), 1024)]
		m := authority.FindSubmatch(rest)
		if m == nil || m[1][0] == '$' || m[1][0] == '{' || strings.Trim(string(m[1]), "*xX.") == "" {
			continue
		}
		add(at, "an address with a password")
	}
}
