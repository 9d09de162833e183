package git

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"time"
)

// PushError says that another repository did not take tags.
type PushError struct {
	Remote string
	Tags   []string
	Exists bool   // it has other tags of these names
	Msg    string // what git said, on one line
}

// Error says which repository it is, and why.
func (e *PushError) Error() string {
	if e.Exists {
		return e.Remote + " has a tag of the same name already, which another has made; nothing was pushed"
	}
	return "git cannot push to " + e.Remote + ": " + e.Msg
}

// Hints says what to do.
func (e *PushError) Hints() []string {
	words := QuoteWords(e.Tags)
	if e.Exists {
		return []string{"take yours back and get the other: git tag -d " + words + " && git fetch " + e.Remote + " --tags; then do it again"}
	}
	return []string{"the tags are here; when it works again: git push " + e.Remote + " " + words}
}

// QuoteWords spells words for a shell, which takes them apart again. The names of
// tags hold # and !.
func QuoteWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		if w == "" || strings.Trim(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") != "" {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// PushTags sends tags to a remote of git, all of them or none. git may ask for a
// password, and runs the hook pre-push.
func (r *Repo) PushTags(ctx context.Context, remote string, tags []string) error {
	if !haveCommand() {
		return ErrNoCommand
	}
	args := []string{"push", "--quiet", "--atomic", "--", remote}
	for _, t := range tags {
		args = append(args, tagPrefix+t+":"+tagPrefix+t)
	}
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = r.Top
	if r.Top == "" {
		cmd.Dir = r.Dir
	}
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.Stdin = os.Stdin
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if end := ctx.Err(); end != nil {
		return end
	}
	if err == nil {
		return nil
	}
	text := printable(stderr.String())
	msg := said(text)
	if msg == "" {
		msg = err.Error()
	}
	exists := strings.Contains(text, "(already exists)")
	return &PushError{Remote: remote, Tags: tags, Exists: exists, Msg: msg}
}

// DefaultRemote returns the remote of git that is meant where none is named: that
// of the branch that is checked out, or origin, or the only one; "" if there is
// none.
func (r *Repo) DefaultRemote() string {
	if out, err := r.run("symbolic-ref", "--quiet", "--short", "HEAD"); err == nil {
		if remote := r.config("branch." + strings.TrimSpace(string(out)) + ".remote"); remote != "" && remote != "." {
			return remote
		}
	}
	out, err := r.run("remote")
	if err != nil {
		return ""
	}
	names := strings.Fields(string(out))
	for _, n := range names {
		if n == "origin" || len(names) == 1 {
			return n
		}
	}
	return ""
}
