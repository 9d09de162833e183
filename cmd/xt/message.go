package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/lock"
	"github.com/xtrepro/xt/pipeline"
)

// message returns what to say of an error, and what to do about it.
func message(err error) (string, []string) {
	var (
		usage    *usageError
		config   *pipeline.ConfigErrors
		lockErr  *lock.Error
		inputs   *pipeline.MissingInputsError
		absent   *cache.MissingError
		stage    *pipeline.StageError
		uncached *cache.UncachedError
		special  *hash.UnsupportedError
		hinted   interface{ Hints() []string }
	)
	switch {
	case errors.As(err, &usage):
		return usage.msg, usage.hints
	case errors.As(err, &config):
		return configMessage(config)
	case errors.As(err, &hinted):
		return err.Error(), hinted.Hints()
	case errors.As(err, &lockErr):
		return err.Error(), hint(lockErr.Hint)
	case errors.As(err, &stage):
		return stageMessage(stage, err)
	case errors.As(err, &inputs):
		return err.Error(), []string{"put it there, or bring back what xt has with \"xt checkout\", or correct the path in xt.toml"}
	case errors.As(err, &absent):
		return err.Error(), []string{"an output is made again by \"xt repro\"; data has to be added again by someone who has it"}
	case errors.As(err, &uncached):
		return uncachedMessage(uncached), []string{"xt add it, commit it, or move it away; --force replaces it"}
	case errors.As(err, &special):
		return err.Error(), []string{"move it away, or list it in .xtignore"}
	case errors.Is(err, pipeline.ErrNoProject):
		return err.Error(), []string{"\"xt init\" makes one here"}
	case errors.Is(err, git.ErrNoRepository):
		return err.Error(), []string{"\"git init\" makes one here"}
	case errors.Is(err, syscall.ENOSPC):
		return err.Error(), []string{"the disk is full; nothing was lost; \"xt gc\" removes what no version needs from the cache"}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return err.Error(), []string{"check who may write there; another cache directory can be set with \"xt config cache.dir DIR\""}
	}
	return err.Error(), nil
}

// uncachedMessage names the files, as far as they fit on a screen.
func uncachedMessage(e *cache.UncachedError) string {
	const most = 20
	if len(e.Paths) == 1 {
		return e.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s would be lost: their content is in no cache and no commit", plural(len(e.Paths), "file"))
	for i, p := range e.Paths {
		if i == most {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Paths)-most)
			break
		}
		b.WriteString("\n  " + shown(p))
	}
	return b.String()
}

func hint(h string) []string {
	if h == "" {
		return nil
	}
	return []string{h}
}

// configMessage says all mistakes, each followed by what to do about it.
func configMessage(e *pipeline.ConfigErrors) (string, []string) {
	if len(e.List) == 1 {
		return e.List[0].Error(), hint(e.List[0].Hint)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d mistakes in the project's files, nothing was run", len(e.List)+e.More)
	for _, one := range e.List {
		b.WriteString("\n  " + one.Error())
		if one.Hint != "" {
			b.WriteString("\n    (" + one.Hint + ")")
		}
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\n  and %d more", e.More)
	}
	return b.String(), nil
}

func stageMessage(e *pipeline.StageError, err error) (string, []string) {
	hints := []string{"its output is in " + e.Log}
	return err.Error(), hints
}
