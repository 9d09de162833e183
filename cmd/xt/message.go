package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/xtrepro/xt/cache"
	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/internal/git"
	"github.com/xtrepro/xt/pipeline"
)

// hinter is an error that knows what to do about it. Some of its hints may be
// empty.
type hinter interface {
	error
	Hints() []string
}

// message returns what to say of an error, and what to do about it.
func message(err error) (text string, hints []string) {
	var (
		config   *pipeline.ConfigErrors
		uncached *cache.UncachedError
		hinted   hinter
	)
	switch {
	case errors.As(err, &config) && len(config.List) > 1:
		return configMessage(config), nil
	case errors.As(err, &hinted):
		hints = hinted.Hints()
	case errors.As(err, &uncached):
		return uncachedMessage(uncached), []string{"xt add it, commit it, or move it away; --force replaces it"}
	default:
		hints = []string{remedy(err)}
	}
	return err.Error(), slices.DeleteFunc(slices.Clone(hints), func(h string) bool { return h == "" })
}

// remedy says what to do about an error that cannot know it, because it comes
// from below the commands or from the system; "" if there is nothing to say.
func remedy(err error) string {
	var (
		absent  *cache.MissingError
		special *hash.UnsupportedError
	)
	switch {
	case errors.As(err, &absent):
		return "\"xt pull\" fetches what a remote has; what none has, an output, is made again by \"xt repro\", and data has to be added or pushed by someone who has it"
	case errors.As(err, &special):
		return "move it away, or list it in .xtignore"
	case errors.Is(err, pipeline.ErrNoProject):
		return "\"xt init\" makes one here"
	case errors.Is(err, git.ErrNoRepository):
		return "\"git init\" makes one here"
	case errors.Is(err, syscall.ENOSPC):
		return "the disk is full; nothing was lost; \"xt gc\" removes what no version needs from the cache"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "check who may write there; another cache directory can be set with \"xt config cache.dir DIR\""
	}
	return ""
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

// configMessage says all mistakes, each followed by what to do about it.
func configMessage(e *pipeline.ConfigErrors) string {
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
	return b.String()
}
