package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// flagsFirst moves the flags of a command before its operands. The cli package
// takes whatever follows the first operand for an operand, so that in
// "xt repro train --force" the flag would be lost without a word.
func flagsFirst(c *cli.App, args []string) []string {
	if len(args) == 0 || args[len(args)-1] == completionFlag {
		return args
	}
	head, rest, flags := []string{args[0]}, args[1:], c.Flags
	cmds := c.Commands
	operands := false // whether the command takes some, besides subcommands
	for {
		taken, ok := leadingFlags(rest, flags)
		head, rest = append(head, rest[:taken]...), rest[taken:]
		if !ok || len(rest) == 0 {
			break
		}
		cmd := findCommand(cmds, rest[0])
		if cmd == nil && operands {
			return append(head, reorder(rest, flags)...)
		}
		if cmd == nil {
			break
		}
		head, rest = append(head, rest[0]), rest[1:]
		flags, cmds = cmd.Flags, cmd.Subcommands
		operands = cmd == findCommand(c.Commands, "import") || cmd == findCommand(c.Commands, "sweep")
		if len(cmds) == 0 {
			if cmd == findCommand(c.Commands, "run") {
				return append(head, commandLast(rest, flags)...)
			}
			return append(head, reorder(rest, flags)...)
		}
	}
	return append(head, rest...)
}

// commandLast is reorder for xt run, whose operands are a command line: the flags
// in it are not those of xt.
func commandLast(args []string, flags []cli.Flag) []string {
	n, ok := leadingFlags(args, flags)
	first, command := reorder(args[:n], flags), args[n:]
	if !ok {
		command = command[1:] // after "--"
	}
	if len(command) > 0 {
		first = append(append(first, "--"), command...)
	}
	return first
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
			words := spell(args[i], flags)
			n := 1
			if last := words[len(words)-1]; isFlag(last) {
				n = min(width(last, flags), len(args)-i)
			}
			first = append(append(first, words...), args[i+1:i+n]...)
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

// spell takes apart what the cli package cannot: "-j4" is "--jobs 4", and "-fk"
// is "--force --keep-going". What is no flag stays as it is.
func spell(arg string, flags []cli.Flag) []string {
	if len(arg) < 3 || arg[1] == '-' || strings.Contains(arg, "=") || findFlag(arg[1:], flags) != nil {
		return []string{firstName(arg, flags)}
	}
	var words []string
	for i := 1; i < len(arg); i++ {
		f := findFlag(arg[i:i+1], flags)
		switch {
		case f == nil:
			return []string{arg}
		case takesValue(f) && i+1 < len(arg):
			return append(words, "--"+f.Names()[0], arg[i+1:])
		}
		words = append(words, "--"+f.Names()[0])
	}
	return words
}

// firstName spells a flag by its first name: the cli package takes a flag that
// is given as -S and as --set for two.
func firstName(arg string, flags []cli.Flag) string {
	name, value, has := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	f := findFlag(name, flags)
	if f == nil {
		return arg
	}
	arg = "--" + f.Names()[0]
	if has {
		arg += "=" + value
	}
	return arg
}

func isFlag(arg string) bool { return len(arg) > 1 && arg[0] == '-' }

// width returns how many words a flag takes: 2 if its value is the next word.
func width(arg string, flags []cli.Flag) int {
	name := strings.TrimLeft(arg, "-")
	if strings.Contains(name, "=") {
		return 1
	}
	if f := findFlag(name, flags); f != nil && takesValue(f) {
		return 2
	}
	return 1
}

func findFlag(name string, flags []cli.Flag) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}
