package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/xtrepro/xt/internal/term"
)

func TestFlagsFirst(t *testing.T) {
	c := (&app{term: &term.Terminal{}}).cli()
	for _, test := range []struct{ in, want string }{
		{"xt", "xt"},
		{"xt repro train --force -j 4", "xt repro --force --jobs 4 -- train"},
		{"xt repro train -j4 eval", "xt repro --jobs 4 -- train eval"},
		{"xt repro -fkj4", "xt repro --force --keep-going --jobs 4"},
		{"xt repro -fj 4 train", "xt repro --force --jobs 4 -- train"},
		{"xt repro train -S lr=-1", "xt repro --set lr=-1 -- train"},
		{"xt repro --set=lr=1 train", "xt repro --set=lr=1 -- train"},
		{"xt -q repro train -f", "xt -q repro --force -- train"},
		{"xt -C dir repro train", "xt -C dir repro -- train"},
		{"xt add -- -odd", "xt add -- -odd"},
		{"xt add a -- -f", "xt add -- a -f"},
		{"xt params diff HEAD --json", "xt params diff --json -- HEAD"},
		{"xt params HEAD --json", "xt params HEAD --json"},
		{"xt repro -z", "xt repro -z"},
		{"xt repro -fz", "xt repro -fz"},
		{"xt import URL --force -o x", "xt import --force --output x -- URL"},
		{"xt import --force URL -o x", "xt import --force --output x -- URL"},
		{"xt import mlflow runs --dry-run", "xt import mlflow --dry-run -- runs"},
		{"xt unknown --flag", "xt unknown --flag"},
		{"xt repro tr --generate-bash-completion", "xt repro tr --generate-bash-completion"},
	} {
		if got := flagsFirst(c, strings.Fields(test.in)); !slices.Equal(got, strings.Fields(test.want)) {
			t.Errorf("%s: got %q, want %q", test.in, strings.Join(got, " "), test.want)
		}
	}
}
