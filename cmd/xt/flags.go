package main

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves the flags of a command before its operands. The cli package
// takes whatever follows the first operand for an operand, so that in
// "xt repro train --force" the flag would be lost without a word.
func flagsFirst(c *cli.App, args []string) []string {
	if len(args) == 0 || args[len(args)-1] == "--generate-bash-completion" {
		return args
	}
	head, rest, flags := []string{args[0]}, args[1:], c.Flags
	cmds := c.Commands
	for {
		taken, ok := leadingFlags(rest, flags)
		head, rest = append(head, rest[:taken]...), rest[taken:]
		if !ok || len(rest) == 0 {
			break
		}
		cmd := findCommand(cmds, rest[0])
		if cmd == nil {
			break
		}
		head, rest = append(head, rest[0]), rest[1:]
		flags, cmds = cmd.Flags, cmd.Subcommands
		if len(cmds) == 0 {
			return append(head, reorder(rest, flags)...)
		}
	}
	return append(head, rest...)
}

func findCommand(cmds []*cli.Command, name string) *cli.Command {
	for _, c := range cmds {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

// leadingFlags returns how many of args are flags with their values; ok is
// false where "--" ends them.
func leadingFlags(args []string, flags []cli.Flag) (n int, ok bool) {
	for n < len(args) && isFlag(args[n]) {
		if args[n] == "--" {
			return n, false
		}
		n += width(args[n], flags)
	}
	return min(n, len(args)), true
}

// reorder puts flags before operands and keeps the order within both. What
// follows "--" is operands.
func reorder(args []string, flags []cli.Flag) []string {
	var first, operands []string
	for i := 0; i < len(args); {
		switch {
		case args[i] == "--":
			operands = append(operands, args[i+1:]...)
			i = len(args)
		case isFlag(args[i]):
			n := min(width(args[i], flags), len(args)-i)
			first = append(first, args[i:i+n]...)
			i += n
		default:
			operands = append(operands, args[i])
			i++
		}
	}
	if len(operands) > 0 {
		// An operand may begin with a dash.
		first = append(append(first, "--"), operands...)
	}
	return first
}

func isFlag(arg string) bool { return len(arg) > 1 && arg[0] == '-' }

// width returns how many words a flag takes: 2 if its value is the next word.
func width(arg string, flags []cli.Flag) int {
	name := strings.TrimLeft(arg, "-")
	if strings.Contains(name, "=") {
		return 1
	}
	for _, f := range flags {
		for _, n := range f.Names() {
			if n == name {
				if d, ok := f.(cli.DocGenerationFlag); ok && d.TakesValue() {
					return 2
				}
				return 1
			}
		}
	}
	return 1
}
