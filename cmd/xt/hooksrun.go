package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/internal/githook"
	"github.com/xtrepro/xt/pipeline"
)

// hooksRun does the work of a hook in the project that it stands in. Where there
// is no project there is nothing to do: another branch may have none.
func (a *app) hooksRun(c *cli.Context) error {
	name, args := c.Args().First(), c.Args().Tail()
	a.term.Out = a.term.Err // where git and graphical clients look for what a hook says
	if _, err := pipeline.FindRoot(a.dir); errors.Is(err, pipeline.ErrNoProject) && slices.Contains(githook.Names(), name) {
		return nil
	}
	switch name {
	case githook.PreCommit:
		return a.preCommit(c)
	case githook.PrePush:
		return a.prePush(c)
	case githook.PostCheckout:
		a.postCheckout(c, args)
		return nil
	}
	return &usageError{msg: "xt hooks run: unknown hook " + name, hints: []string{"one of " + strings.Join(githook.Names(), ", ")}}
}

func (a *app) preCommit(c *cli.Context) error {
	r, err := a.inspect(c, "")
	var misuse *pipeline.MisuseError
	if errors.As(err, &misuse) {
		return nil // the project is not in git yet, or no more
	}
	if err == nil {
		a.printHook(r)
		err = r.verdict()
	}
	return a.stopped(err, "the commit", "git commit --no-verify")
}

// printHook says what was found, and nothing if that is nothing.
func (a *app) printHook(r *checked) {
	if len(r.Findings) > 0 {
		a.printCheck(r)
	}
}

// stopped says how to go on in spite of a check that did not pass.
func (a *app) stopped(err error, what, command string) error {
	if err == nil {
		return nil
	}
	if !errors.Is(err, errFailed) {
		err = a.report(err)
	}
	a.term.Sayf("xt: %s was stopped; %q goes on without the check", what, command)
	return err
}

// prePush checks each commit that is pushed, and whether the remotes have the data
// that it names.
func (a *app) prePush(c *cli.Context) error {
	revs, err := a.pushed()
	for _, rev := range revs {
		if err == nil {
			err = a.checkPushed(c, rev)
		}
	}
	return a.stopped(err, "the push", "git push --no-verify")
}

// pushed returns the commits that are about to be pushed: of each line of git's
// "LOCAL-REF LOCAL-OBJECT REMOTE-REF REMOTE-OBJECT" the second, which is zeros
// where a ref is deleted. The pre-commit framework has read these itself, and
// hands on one of them; on the first push of all history not even that.
func (a *app) pushed() ([]string, error) {
	if os.Getenv("PRE_COMMIT") == "1" {
		for _, name := range []string{"PRE_COMMIT_TO_REF", "PRE_COMMIT_LOCAL_BRANCH"} {
			if rev := os.Getenv(name); rev != "" {
				return []string{rev}, nil
			}
		}
		return []string{"HEAD"}, nil
	}
	var revs []string
	sc := bufio.NewScanner(a.stdin)
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		if len(f) == 4 && strings.Trim(f[1], "0") != "" && !slices.Contains(revs, f[1]) {
			revs = append(revs, f[1])
		}
	}
	return revs, sc.Err()
}

func (a *app) checkPushed(c *cli.Context, rev string) error {
	root, err := pipeline.FindRoot(a.dir)
	if err != nil {
		return err
	}
	s, err := pipeline.OpenToInspect(root, rev)
	var (
		misuse  *pipeline.MisuseError
		unknown *git.RevisionError
	)
	if errors.As(err, &misuse) || errors.As(err, &unknown) {
		return nil // no project in it, or a tag of something else than a commit
	}
	if err != nil {
		return err
	}
	in, err := s.Inspect(c.Context)
	if err != nil {
		return err
	}
	r := &checked{Inspection: in, prefix: s.Prefix()}
	if len(s.Graph.Config.Remotes) > 0 {
		if err := a.inspectRemote(c, s, in, ""); err != nil {
			return err
		}
	}
	a.printHook(r)
	return r.verdict()
}

// patience is how long a checkout of git waits for another xt.
const patience = 10 * time.Second

// postCheckout brings the data that belongs to what git has checked out. Whatever
// happens, git has done its part, so that trouble is only told.
func (a *app) postCheckout(c *cli.Context, args []string) {
	from, to, kind := operand(args, 0), operand(args, 1), operand(args, 2)
	if os.Getenv("PRE_COMMIT") == "1" {
		from, to, kind = os.Getenv("PRE_COMMIT_FROM_REF"), os.Getenv("PRE_COMMIT_TO_REF"), os.Getenv("PRE_COMMIT_CHECKOUT_TYPE")
	}
	if kind != "1" || from == to {
		return // files were checked out, or nothing has changed
	}
	ctx, cancel := context.WithTimeout(c.Context, patience)
	defer cancel()
	if err := a.checkoutAfter(ctx, c); err != nil {
		a.checkoutTrouble(err)
	}
}

func operand(args []string, i int) string {
	if i < len(args) {
		return args[i]
	}
	return ""
}

func (a *app) checkoutAfter(ctx context.Context, c *cli.Context) error {
	w, err := a.open()
	if err != nil {
		return err
	}
	if len(w.Lock.File().Stages)+len(w.Lock.File().Data) == 0 {
		return nil
	}
	unlock, err := w.Acquire(ctx, c.Command.HelpName, func(holder string) { a.term.Sayf("waiting for %s to end", holder) })
	if err != nil {
		return err
	}
	defer unlock()
	begin := time.Now()
	sum, err := w.Checkout(c.Context, nil, cache.CheckoutOptions{})
	if words := changesWords(sum); words != "" {
		a.term.Sayf("xt checkout: %s", checkoutWords(sum, time.Since(begin)))
	}
	return err
}

func (a *app) checkoutTrouble(err error) {
	if errors.Is(err, context.DeadlineExceeded) {
		a.term.Warnf("another xt is at work here: run \"xt checkout\" when it has ended")
		return
	}
	msg, hints := message(err)
	a.term.Warnf("the data in the workspace may be of another commit: %s", msg)
	for _, h := range hints {
		a.term.Sayf("xt: hint: %s", h)
	}
}
