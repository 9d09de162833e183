package git

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// Trust is what a signature is worth.
type Trust string

// The values of [Trust].
const (
	Unsigned  Trust = "unsigned"
	Good      Trust = "good"      // git accepts it
	Bad       Trust = "bad"       // it is of other bytes
	Unchecked Trust = "unchecked" // nobody here can tell: the key is not known or not trusted, a tool is missing
)

// Signature is what git says of the signature of a tag.
type Signature struct {
	Trust Trust
	By    string // who signed, as far as the signature can be trusted
	Key   string // the key, or its fingerprint
	Why   string // what git said where it does not accept it; on one line
}

var (
	sshGood = regexp.MustCompile(`Good "git" signature for (.+) with (\S+ key \S+)`)
	sshKey  = regexp.MustCompile(`Good "git" signature with (\S+ key \S+)`)
	gpgGood = regexp.MustCompile(`\[GNUPG:\] GOODSIG (\S+) (.+)`)
	gpgKey  = regexp.MustCompile(`\[GNUPG:\] (?:BADSIG|ERRSIG|NO_PUBKEY|EXPKEYSIG|REVKEYSIG) (\S+)`)
)

// VerifyTag asks git about the signature of a tag, which it reads anew.
func (r *Repo) VerifyTag(ctx context.Context, t *Tag) Signature {
	switch {
	case !t.Signed:
		return Signature{Trust: Unsigned}
	case !haveCommand():
		return Signature{Trust: Unchecked, Why: "there is no git command on PATH"}
	}
	cmd := exec.CommandContext(ctx, "git", "verify-tag", "--raw", t.Object)
	cmd.Dir = r.Top
	if r.Top == "" {
		cmd.Dir = r.Dir
	}
	cmd.Env = append(os.Environ(), "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	return readSignature(printable(said.String()), err == nil)
}

// readSignature reads what "git verify-tag --raw" printed.
func readSignature(said string, accepted bool) Signature {
	s := Signature{Trust: Unchecked}
	if m := gpgKey.FindStringSubmatch(said); m != nil {
		s.Key = m[1]
	}
	if m := sshKey.FindStringSubmatch(said); m != nil {
		s.Key = m[1]
	}
	if m := gpgGood.FindStringSubmatch(said); m != nil {
		s.Key, s.By = m[1], m[2]
	}
	if m := sshGood.FindStringSubmatch(said); m != nil {
		s.By, s.Key = m[1], m[2]
	}
	switch {
	case accepted:
		s.Trust = Good
		return s
	case strings.Contains(said, "[GNUPG:] BADSIG"), strings.Contains(said, "incorrect signature"):
		s.Trust = Bad
	}
	s.By, s.Why = "", firstWords(said)
	return s
}

// firstWords returns the first line for people of what a tool said.
func firstWords(said string) string {
	for line := range strings.Lines(said) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "error: ")
		if line != "" && !strings.HasPrefix(line, "[GNUPG:]") && !strings.HasPrefix(line, "Good ") {
			return line
		}
	}
	return "the key is not known here"
}
