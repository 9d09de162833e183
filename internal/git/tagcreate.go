package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Ident is who does something, and when, as git has it.
type Ident struct {
	Name, Email string
	Time        time.Time // in seconds, in the zone of the person
}

// Committer returns who makes commits and tags in this repository, now, as git's
// settings and environment say. Where they do not, git's own words are the error.
func (r *Repo) Committer() (Ident, error) {
	if !haveCommand() {
		return r.committerItself()
	}
	out, err := r.run("var", "GIT_COMMITTER_IDENT")
	if err != nil {
		return Ident{}, &IdentError{Msg: printable(err.Error())}
	}
	id, ok := ParseIdent(strings.TrimSpace(string(out)))
	if !ok {
		return Ident{}, fmt.Errorf("git var: unexpected answer %q", out)
	}
	return id, nil
}

// IdentError says that git does not know who the user is.
type IdentError struct{ Msg string }

// Error repeats what git said.
func (e *IdentError) Error() string { return "git does not know who you are: " + e.Msg }

// Hints says how to tell it.
func (e *IdentError) Hints() []string {
	return []string{"git config --global user.name NAME; git config --global user.email ADDRESS"}
}

// NewTag is an annotated tag to be made.
type NewTag struct {
	Name    string
	Commit  string // that it names, in full
	Message string
}

// TagOptions say how tags are made.
type TagOptions struct {
	By   Ident
	Sign bool
}

// TagsExistError says that tags were not made, because one of them is there.
type TagsExistError struct{ Name string }

// Error names the tag.
func (e *TagsExistError) Error() string { return fmt.Sprintf("there is a tag %s already", e.Name) }

// BusyError says that another program is changing the same references.
type BusyError struct{ Msg string }

// Error repeats what git said.
func (e *BusyError) Error() string { return e.Msg }

// SignError says that git could not sign a tag.
type SignError struct{ Msg string }

// Error repeats what git said.
func (e *SignError) Error() string { return "git cannot sign the tag: " + e.Msg }

// Hints says what to look at.
func (e *SignError) Hints() []string {
	return []string{"see \"git config --get-regexp 'gpg|sign'\", and whether \"git tag -s -m test NAME\" works; --no-sign makes the tag without a signature"}
}

// SignsTags reports whether git is configured to sign: tag.gpgSign says so, or
// says nothing and there is a key.
func (r *Repo) SignsTags() bool {
	if !haveCommand() {
		return false
	}
	out, err := r.run("config", "--type=bool", "--get", "tag.gpgSign")
	if err == nil {
		return strings.TrimSpace(string(out)) == "true"
	}
	return r.config("user.signingKey") != ""
}

// CreateTags makes annotated tags, all of them or none. One that is there already
// is a [*TagsExistError]; a [*BusyError] may be gone a moment later.
//
// The git command makes a tag only together with its name. So it makes them in an
// empty repository beside this one, which has the same objects and settings; then
// all names appear here in one transaction.
func (r *Repo) CreateTags(ctx context.Context, tags []NewTag, opts TagOptions) error {
	if !haveCommand() {
		return r.createTagsItself(tags, opts)
	}
	dir, err := os.MkdirTemp("", "xt-tags-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := r.draftRepository(dir); err != nil {
		return err
	}
	var create strings.Builder
	for _, t := range tags {
		object, err := r.draftTag(ctx, dir, t, opts)
		if err != nil {
			return err
		}
		fmt.Fprintf(&create, "create %s%s %s\n", tagPrefix, t.Name, object)
	}
	if _, err := r.runInput([]byte(create.String()), "update-ref", "--stdin"); err != nil {
		return r.whyNot(tags, err)
	}
	return nil
}

// whyNot returns what kept the tags from being made.
func (r *Repo) whyNot(tags []NewTag, err error) error {
	have, listErr := r.TagRefs()
	if listErr != nil {
		return errors.Join(err, listErr)
	}
	for _, t := range tags {
		if slices.ContainsFunc(have, func(h TagRef) bool { return h.Name == t.Name }) {
			return &TagsExistError{t.Name}
		}
	}
	if strings.Contains(err.Error(), ".lock'") {
		return &BusyError{printable(err.Error())}
	}
	return err
}

// draftSections are the settings that decide how a tag is made.
var draftSections = []string{"user.", "committer.", "gpg.", "i18n."}

// draftRepository fills an empty directory so that git takes it for a repository
// with the settings of this one.
func (r *Repo) draftRepository(dir string) error {
	for _, sub := range []string{"refs", "objects"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o777); err != nil {
			return err
		}
	}
	var text strings.Builder
	text.WriteString("[core]\n\tbare = true\n\thooksPath = " + quoteSetting(os.DevNull) + "\n")
	if format := r.config("extensions.objectFormat"); format != "" {
		text.WriteString("\trepositoryFormatVersion = 1\n[extensions]\n\tobjectFormat = " + quoteSetting(format) + "\n")
	}
	out, err := r.run("config", "--list", "-z")
	if err != nil {
		return err
	}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		key, value, ok := strings.Cut(entry, "\n")
		if ok && slices.ContainsFunc(draftSections, func(s string) bool { return strings.HasPrefix(key, s) }) {
			text.WriteString(setting(key, value))
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text.String()), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "HEAD"), []byte("ref: refs/heads/none\n"), 0o600)
}

// setting spells one setting as git's files have it.
func setting(key, value string) string {
	first, last := strings.IndexByte(key, '.'), strings.LastIndexByte(key, '.')
	head := key[:first]
	if first != last {
		head += " " + quoteSetting(key[first+1:last])
	}
	return "[" + head + "]\n\t" + key[last+1:] + " = " + quoteSetting(value) + "\n"
}

func quoteSetting(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// draftTag makes a tag in the other repository, and returns its object.
func (r *Repo) draftTag(ctx context.Context, dir string, t NewTag, opts TagOptions) (object string, err error) {
	sign := "--annotate"
	if opts.Sign {
		sign = "--sign"
	}
	args := []string{"-c", "tag.gpgSign=false", "tag", sign, "--cleanup=verbatim", "-F", "-", "--", t.Name, t.Commit}
	if _, err = r.draftGit(ctx, dir, t.Message, opts.By, args...); err != nil {
		if opts.Sign && ctx.Err() == nil {
			return "", &SignError{printable(err.Error())}
		}
		return "", fmt.Errorf("git tag: %w", err)
	}
	out, err := r.draftGit(ctx, dir, "", opts.By, "rev-parse", "--verify", tagPrefix+t.Name)
	if err != nil || !opts.Sign {
		return strings.TrimSpace(string(out)), err
	}
	return r.signedDraft(ctx, dir, strings.TrimSpace(string(out)))
}

// signedDraft looks whether a tag was signed: some versions of git end without an
// error, and without a signature, if a key of SSH is not there.
func (r *Repo) signedDraft(ctx context.Context, dir, object string) (string, error) {
	out, err := r.draftGit(ctx, dir, "", Ident{}, "cat-file", "tag", object)
	if err != nil {
		return "", err
	}
	if t, err := ParseTag(object, out); err != nil || !t.Signed {
		return "", &SignError{"it made a tag without a signature; is the key of user.signingKey there?"}
	}
	return object, nil
}

// draftGit runs git in the other repository, with this one's objects.
func (r *Repo) draftGit(ctx context.Context, dir, stdin string, by Ident, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = r.Top
	if r.Top == "" {
		cmd.Dir = r.Dir
	}
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return name != "GIT_ALTERNATE_OBJECT_DIRECTORIES" && slices.Contains(strangers, name)
	})
	objects := os.Getenv("GIT_OBJECT_DIRECTORY")
	if objects == "" {
		objects = filepath.Join(r.Common, "objects")
	}
	cmd.Env = append(env, "LC_ALL=C", "GIT_DIR="+dir, "GIT_OBJECT_DIRECTORY="+objects,
		"GIT_COMMITTER_NAME="+by.Name, "GIT_COMMITTER_EMAIL="+by.Email, "GIT_COMMITTER_DATE=@"+by.stamp())
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if end := ctx.Err(); end != nil {
		return nil, end
	}
	if msg := strings.TrimSpace(stderr.String()); err != nil && msg != "" {
		return nil, errors.New(strings.Join(strings.Fields(msg), " "))
	}
	return out, err
}

// stamp is the time as git's objects have it.
func (id Ident) stamp() string { return fmt.Sprintf("%d %s", id.Time.Unix(), id.Time.Format("-0700")) }
