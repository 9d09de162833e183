package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/pipeline"
)

func (a *app) completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a completion script for a shell",
		ArgsUsage: "bash|zsh|fish",
		Description: "examples:\n   source <(xt completion bash)                       # in ~/.bashrc\n" +
			"   xt completion zsh > \"${fpath[1]}/_xt\"\n   xt completion fish > ~/.config/fish/completions/xt.fish",
		Action: func(c *cli.Context) error {
			script, ok := completionScripts[c.Args().First()]
			if !ok {
				return usageErrorf("xt completion: want bash, zsh or fish, not %q", c.Args().First())
			}
			a.term.Printf("%s", script)
			return nil
		},
	}
}

// completionScripts ask xt itself what may follow.
var completionScripts = map[string]string{
	"bash": `_xt() {
  local line="${COMP_LINE:0:COMP_POINT}" cur="" candidates skip
  local -a typed
  read -ra typed <<< "$line"
  if [[ "$line" != *[[:space:]] ]]; then
    cur="${typed[${#typed[@]}-1]}"
    typed=("${typed[@]:0:${#typed[@]}-1}")
  fi
  typed=("$1" "${typed[@]:1}")
  [[ "$cur" == -* ]] && typed+=("$cur")
  candidates=$("${typed[@]}" --generate-bash-completion 2>/dev/null)
  COMPREPLY=($(compgen -W "$candidates" -- "$cur"))
  # bash takes what stands before the last @, = or : for words of its own.
  skip="${cur%"${cur##*[@=:]}"}"
  COMPREPLY=("${COMPREPLY[@]#"$skip"}")
}
complete -o bashdefault -o default -F _xt xt
`,
	"zsh": `#compdef xt
_xt() {
  local -a words_
  local cur=${words[CURRENT]}
  if [[ "$cur" == -* ]]; then
    words_=("${(@f)$(${words[1,CURRENT-1]} $cur --generate-bash-completion 2>/dev/null)}")
  else
    words_=("${(@f)$(${words[1,CURRENT-1]} --generate-bash-completion 2>/dev/null)}")
  fi
  if [[ -n "${words_[1]}" ]]; then _describe 'xt' words_; else _files; fi
}
if [ "$funcstack[1]" = "_xt" ]; then _xt; else compdef _xt xt; fi
`,
	"fish": `function __xt_complete
  set -l tokens (commandline -opc)
  set -l cur (commandline -ct)
  if string match -q -- '-*' $cur
    $tokens $cur --generate-bash-completion 2>/dev/null
  else
    $tokens --generate-bash-completion 2>/dev/null
  end
end
complete -c xt -a '(__xt_complete)'
`,
}

// completionFlag is what the scripts of "xt completion" add to an unfinished
// command line.
const completionFlag = "--generate-bash-completion"

// operandWords says what the operands of a command may be; "" is for stages.
// Operands of other commands are files, which the shell completes.
var operandWords = map[string][]string{
	"repro": {""}, "status": {""}, "why": {""}, "logs": {""}, "dag": {""},
	"completion":     {"bash", "zsh", "fish"},
	"sweep":          {"list", "show", "apply", "rm", aSweep},
	"sweep show":     {aSweep},
	"sweep apply":    {aSweep},
	"sweep rm":       {aSweep},
	"model register": {aModel}, "model list": {aModel},
	"model promote": {aVersion}, "model archive": {aVersion}, "model show": {aVersion}, "model diff": {aVersion}, "model history": {aVersion},
}

// What operands of "xt model" and "xt sweep" may be.
const (
	aSweep   = "\x00sweep"
	aModel   = "\x00model"
	aVersion = "\x00version"
)

// flagWords says what the values of a flag may be, in all commands or in one.
var flagWords = map[string][]string{
	"dag format":   {"text", "svg", "mermaid", "dot", "json"},
	"check format": {"text", "json", "junit", "sarif"},
	"keep":         {"history", "tips", "workspace"},
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
		case isFlag(last) && takesValue(f) && slices.Contains(f.Names(), "r"):
			a.printWords(a.remoteNames(c.String("cd")))
			return
		case isFlag(last) && takesValue(f):
			words, ok := flagWords[cmd.Name+" "+f.Names()[0]]
			if !ok {
				words = flagWords[f.Names()[0]]
			}
			a.printWords(words)
			return
		}
		words, ok := operandWords[strings.TrimPrefix(cmd.HelpName, "xt ")]
		if !ok {
			words = operandWords[cmd.Name]
		}
		for _, word := range words {
			switch word {
			case "":
				a.printWords(a.stageNames(c.String("cd")))
			case aSweep:
				a.printWords(a.sweepWords(c.String("cd")))
			case aModel, aVersion:
				a.printWords(a.modelWords(c.String("cd"), word == aVersion))
			default:
				a.printWords([]string{word})
			}
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
	g := a.graphIn(dir)
	if g == nil {
		return nil
	}
	var names []string
	for _, s := range g.Stages {
		names = append(names, s.Name, s.Base)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// remoteNames returns the names of the project's remotes.
func (a *app) remoteNames(dir string) []string {
	if dir == "" {
		dir = a.dir
	}
	root, err := pipeline.FindRoot(dir)
	if err != nil {
		return nil
	}
	return pipeline.RemoteNames(root)
}

// sweepWords returns the names of the project's sweeps.
func (a *app) sweepWords(dir string) []string {
	g := a.graphIn(dir)
	if g == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(g.Config.Sweeps))
}

// graphIn returns the pipeline of the project in a directory, or where the user
// stands; nil if it cannot be had.
func (a *app) graphIn(dir string) *pipeline.Graph {
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
	return g
}
