package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/attest"
	"github.com/xtrepro/xt/internal/term"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
)

func attestFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "attest", Usage: "write signed evidence of it, to be committed"},
		&cli.StringFlag{Name: "key", Usage: "sign with the SSH key in `FILE`, rather than the one that XT_SIGNING_KEY or git's user.signingkey names"},
	}
}

// attester writes evidence. A nil attester writes none.
type attester struct {
	a   *app
	w   *pipeline.Workspace
	key *attest.Key
}

// newAttester returns an attester if the command line asks for evidence. It finds
// the key before anything is run.
func (a *app) newAttester(c *cli.Context, w *pipeline.Workspace) (*attester, error) {
	if !c.Bool("attest") {
		if c.String("key") != "" {
			return nil, usageErrorf("--key is for --attest")
		}
		return nil, nil
	}
	name := a.signingKey(c, w)
	if name == "" {
		return nil, &usageError{msg: "--attest: there is no key to sign with", hints: []string{
			"ssh-keygen -t ed25519 -f KEY makes one; name it with --key KEY or in XT_SIGNING_KEY",
			"or let git sign with SSH, and xt takes its key: git config gpg.format ssh; git config user.signingkey KEY",
		}}
	}
	key, err := attest.OpenKey(name, os.Getenv("SSH_AUTH_SOCK"))
	if err != nil {
		return nil, err
	}
	return &attester{a, w, key}, nil
}

// signingKey returns the key that is named, as git would write it; "" if none is.
func (a *app) signingKey(c *cli.Context, w *pipeline.Workspace) string {
	if file := c.String("key"); file != "" {
		if !filepath.IsAbs(file) && !strings.HasPrefix(file, "key::") {
			file = filepath.Join(a.dir, file)
		}
		return file
	}
	name := os.Getenv("XT_SIGNING_KEY")
	if name == "" && w.Repo != nil && w.Repo.Config("gpg.format") == "ssh" {
		name = w.Repo.Config("user.signingkey")
	}
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			name = filepath.Join(home, rest)
		}
	}
	return name
}

func (t *attester) close() {
	if t != nil {
		t.key.Close()
	}
}

// executed writes evidence of the executions among the results.
func (t *attester) executed(ctx context.Context, results []*pipeline.Result) error {
	if t == nil {
		return nil
	}
	var errs []error
	for _, res := range results {
		if res.Err != nil || res.Skipped != "" || res.Step.Action != pipeline.Execute {
			continue
		}
		e := res.Step.Entry
		run := attest.Run{Started: res.Ended.Add(-res.Duration), Finished: res.Ended, Version: versionString()}
		s, err := attest.Execution(e, t.w.Lock.File().EnvironmentOf(e), run, t.w.SHA256(e.Outs))
		errs = append(errs, t.write(ctx, e, s, err))
	}
	return errors.Join(errs...)
}

// verified writes evidence of verifications.
func (t *attester) verified(ctx context.Context, results []*pipeline.Verified, times int) error {
	if t == nil {
		return nil
	}
	var errs []error
	for _, v := range results {
		if v == nil || v.Entry == nil || !v.Ran() { // nil: not done, because of an error
			continue
		}
		run := attest.Run{Started: v.Ended.Add(-v.Duration), Finished: v.Ended, Version: versionString()}
		s, err := attest.Verification(v.Entry, v.Outcomes(), times, run)
		errs = append(errs, t.write(ctx, v.Entry, s, err))
	}
	return errors.Join(errs...)
}

// write signs a statement and puts it with the others about the stage.
func (t *attester) write(ctx context.Context, e *lock.Stage, s *intoto.Statement, err error) error {
	if err != nil {
		return err
	}
	envelope, err := attest.Sign(ctx, s, t.key)
	if err != nil {
		return err
	}
	name := bundleOf(t.w, e.Name)
	b, err := attest.ReadBundle(name)
	if err != nil {
		return err
	}
	if err := b.Add(e, envelope); err != nil {
		return err
	}
	if err := b.Write(name); err != nil {
		return err
	}
	id, _ := t.key.KeyID()
	t.a.term.Sayf("%s: evidence signed with %s", t.a.term.PaintErr(term.Bold, e.Name), id)
	return nil
}

// bundleOf returns the file with the evidence about a stage.
func bundleOf(w *pipeline.Workspace, stage string) string {
	return filepath.Join(w.Root, filepath.FromSlash(w.Graph.Config.Attest.Dir), attest.FileName(stage))
}

// attestedStage is what the evidence about a stage is worth, as JSON.
type attestedStage struct {
	Stage      string             `json:"stage"`
	Standing   attest.Standing    `json:"standing"`
	Statements []attest.Statement `json:"statements"`
	Reasons    []string           `json:"reasons,omitempty"`
}

// attestations checks the evidence about stages, and runs nothing.
func (a *app) attestations(c *cli.Context, w *pipeline.Workspace, stages []*pipeline.Stage) error {
	signers, err := a.allowedSigners(c, w)
	if err != nil {
		return err
	}
	report, good := []attestedStage{}, 0
	for _, s := range stages {
		r, err := evidence(c.Context, w, s, signers)
		if err != nil {
			return err
		}
		if r.Standing == attest.Attested {
			good++
		}
		report = append(report, attestedStage{s.Name, r.Standing, append([]attest.Statement{}, r.Statements...), r.Reasons})
	}
	if c.Bool("json") {
		err = a.writeJSON(struct {
			Stages []attestedStage `json:"stages"`
			OK     bool            `json:"ok"`
		}{report, good == len(stages)})
	} else {
		a.printAttested(report, good)
	}
	if err == nil && good < len(stages) {
		err = errFailed
	}
	return err
}

// evidence checks what there is about one stage.
func evidence(ctx context.Context, w *pipeline.Workspace, s *pipeline.Stage, signers []*attest.Signer) (*attest.Report, error) {
	e := w.Lock.File().Stages[s.Name]
	switch {
	case e == nil:
		return &attest.Report{Standing: attest.NotAttested, Reasons: []string{"xt.lock has no entry of it"}}, nil
	case e.Conflicted || pipeline.Fingerprint(e) != e.Fingerprint:
		return &attest.Report{Standing: attest.Edited, Reasons: []string{"its entry in xt.lock does not match its own fingerprint"}}, nil
	}
	b, err := attest.ReadBundle(bundleOf(w, s.Name))
	if err != nil {
		return nil, err
	}
	return b.Check(ctx, e, signers), nil
}

// allowedSigners reads the keys that are trusted.
func (a *app) allowedSigners(c *cli.Context, w *pipeline.Workspace) ([]*attest.Signer, error) {
	file := c.String("allowed-signers")
	if file == "" {
		file = filepath.Join(w.Root, filepath.FromSlash(w.Graph.Config.Attest.Signers))
	} else if !filepath.IsAbs(file) {
		file = filepath.Join(a.dir, file)
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &usageError{msg: "there is no list of allowed signers: " + shown(file) + " is not there", hints: []string{
			"a line of it is PRINCIPAL KEYTYPE KEY: echo \"you@example.org $(cat KEY.pub)\" >> " + w.Graph.Config.Attest.Signers,
			"allowed_signers under [attest] in xt.toml, or --allowed-signers, names another file",
		}}
	}
	if err != nil {
		return nil, err
	}
	signers, err := attest.ParseSigners(file, text)
	if err != nil {
		return nil, &usageError{msg: err.Error()}
	}
	return signers, nil
}

func (a *app) printAttested(report []attestedStage, good int) {
	t := a.term
	counts := map[attest.Standing]int{}
	for _, r := range report {
		counts[r.Standing]++
		color := term.Green
		if r.Standing != attest.Attested {
			color = term.Red
		}
		t.Sayf("%s: %s%s", t.PaintErr(term.Bold, r.Stage), t.PaintErr(color, string(r.Standing)), byWords(r.Statements))
		if r.Standing == attest.Attested {
			continue
		}
		for _, reason := range r.Reasons {
			t.Sayf("  - %s", shown(reason))
		}
	}
	var parts []string
	for _, s := range []attest.Standing{attest.Attested, attest.NotAttested, attest.NotTrusted, attest.BadSignature, attest.Contradicted, attest.Edited} {
		if n := counts[s]; n > 0 {
			parts = append(parts, term.Count(int64(n))+" "+string(s))
		}
	}
	t.Printf("%s: %s\n", plural(len(report), "stage"), cmp.Or(strings.Join(parts, ", "), "nothing to check"))
	if good < len(report) {
		t.Sayf("%s \"xt verify --attest\" makes results again and signs what comes of it", t.PaintErr(term.Cyan, "hint:"))
	}
}

// byWords says who stated what: "executed by alice, verified by ci".
func byWords(statements []attest.Statement) string {
	var words []string
	for _, s := range statements {
		w := s.Sort + " by " + shown(s.By) + " on " + s.At.Local().Format(time.DateOnly)
		if !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	if len(words) == 0 {
		return ""
	}
	return ": " + strings.Join(words, ", ")
}
