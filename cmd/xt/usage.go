package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/suggest"
)

// usageError is wrong use of the command line.
type usageError struct {
	msg   string
	hints []string
}

func (e *usageError) Error() string   { return e.msg }
func (e *usageError) Hints() []string { return e.hints }

func usageErrorf(format string, args ...any) error {
	return &usageError{msg: fmt.Sprintf(format, args...)}
}

func onUsageError(c *cli.Context, err error, _ bool) error {
	name := "xt"
	if c.Command != nil && c.Command.HelpName != "" {
		name = c.Command.HelpName
	}
	if flag, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		e := &usageError{msg: fmt.Sprintf("%s has no flag %s", name, dashes(flag))}
		if near := suggest.Nearest(strings.TrimLeft(flag, "-"), flagNames(c)); near != "" {
			e.hints = append(e.hints, fmt.Sprintf("did you mean %s?", dashes(near)))
		}
		e.hints = append(e.hints, fmt.Sprintf("%q lists the flags", name+" --help"))
		return e
	}
	msg := err.Error()
	if flag, ok := strings.CutPrefix(msg, "flag needs an argument: -"); ok {
		msg = dashes(flag) + " needs a value"
	}
	return &usageError{msg: name + ": " + msg, hints: []string{fmt.Sprintf("%q shows how it is called", name+" --help")}}
}

// dashes spells a flag as a user would: a letter with one dash, a word with two.
func dashes(flag string) string {
	flag = strings.TrimLeft(flag, "-")
	if len(flag) == 1 {
		return "-" + flag
	}
	return "--" + flag
}

func flagNames(c *cli.Context) []string {
	var names []string
	flags := c.App.Flags
	if c.Command != nil {
		flags = append(flags[:len(flags):len(flags)], c.Command.Flags...)
	}
	for _, f := range flags {
		names = append(names, f.Names()...)
	}
	return names
}

// noCommand is what happens where a command is missing or unknown.
func (a *app) noCommand(c *cli.Context) error {
	name := c.Args().First()
	if name == "help" && c.NArg() > 1 && findCommand(c.App.Commands, c.Args().Get(1)) == nil {
		name = c.Args().Get(1)
	}
	if name == "" || name == "help" {
		return a.help(c)
	}
	known := c.App.Commands
	path := "xt"
	if c.Command != nil && c.Command.Name != "xt" && len(c.Command.Subcommands) > 0 {
		known, path = c.Command.Subcommands, "xt "+c.Command.Name
	}
	hints := []string{fmt.Sprintf("%q lists what there is", path+" --help")}
	if near := suggest.Nearest(name, commandNames(known)); near != "" {
		hints = []string{fmt.Sprintf("did you mean %q?", path+" "+near)}
	}
	return &usageError{msg: fmt.Sprintf("unknown command %q", name), hints: hints}
}

// help shows what there is: below the command that stands there, or of the one
// named after "help".
func (a *app) help(c *cli.Context) error {
	name := c.Args().Get(1)
	switch {
	case c.Command != nil && c.Command.Name != "xt" && len(c.Command.Subcommands) > 0:
		return cli.ShowSubcommandHelp(c)
	case findCommand(c.App.Commands, name) != nil:
		return cli.ShowCommandHelp(c, name)
	}
	return cli.ShowAppHelp(c)
}

func commandNames(cmds []*cli.Command) []string {
	var names []string
	for _, c := range cmds {
		names = append(names, c.Names()...)
	}
	return names
}
