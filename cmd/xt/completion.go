package main

import "github.com/urfave/cli/v2"

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
