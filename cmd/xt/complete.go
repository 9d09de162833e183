package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/pipeline"
)

// completionFlag is what the scripts of "xt completion" add to an unfinished
// command line.
const completionFlag = "--generate-bash-completion"

// operandWords says what the operands of a command may be; "" is for stages.
// Operands of other commands are files, which the shell completes.
var operandWords = map[string][]string{
	"repro": {""}, "status": {""}, "why": {""}, "logs": {""}, "dag": {""},
	"completion": {"bash", "zsh", "fish"},
}

// flagWords says what the values of a flag may be.
var flagWords = map[string][]string{
	"format": {"text", "svg", "mermaid", "dot", "json"},
	"keep":   {"history", "tips", "workspace"},
}

// complete returns what writes the words that may stand next in a command line
// of cmd, one a line. The shell picks those that go on from what was typed.
func (a *app) complete(cmd *cli.Command) cli.BashCompleteFunc {
	return func(c *cli.Context) {
		last := a.lastWord()
		f := findFlag(strings.TrimLeft(last, "-"), cmd.Flags)
		switch {
		case isFlag(last) && f == nil:
			cli.DefaultCompleteWithFlags(cmd)(c)
			return
		case isFlag(last) && takesValue(f):
			a.printWords(flagWords[f.Names()[0]])
			return
		}
		for _, word := range operandWords[cmd.Name] {
			if word == "" {
				a.printWords(a.stageNames(c.String("cd")))
				continue
			}
			a.printWords([]string{word})
		}
	}
}

// lastWord returns the word before the completion flag.
func (a *app) lastWord() string {
	if i := len(a.args) - 2; i > 0 {
		return a.args[i]
	}
	return ""
}

func (a *app) printWords(words []string) {
	for _, w := range words {
		fmt.Fprintln(a.term.Out, w)
	}
}

// stageNames returns what stages may be called; nothing where there is no
// project, or one with mistakes.
func (a *app) stageNames(dir string) []string {
	if dir == "" {
		dir = a.dir
	}
	root, err := pipeline.FindRoot(dir)
	if err != nil {
		return nil
	}
	g, err := pipeline.Load(pipeline.Dir(root))
	if err != nil {
		return nil
	}
	var names []string
	for _, s := range g.Stages {
		names = append(names, s.Name, s.Base)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
