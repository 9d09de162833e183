package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/internal/term"
)

// app is what the commands share.
type app struct {
	term  *term.Terminal
	stdin io.Reader
	dir   string          // where the user stands: --cd, or the working directory
	args  []string        // the command line
	hurry <-chan struct{} // closed when the user has asked twice to end
}

// run carries out one command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	a.args = args
	c := a.cli()
	err := c.RunContext(ctx, flagsFirst(c, args))
	if err == nil {
		err = a.term.Lost()
	}
	return a.exit(ctx, err, slices.Contains(args, "--json"))
}

func (a *app) cli() *cli.App {
	c := &cli.App{
		Name:                   "xt",
		Usage:                  "make machine-learning work repeatable",
		Version:                versionString(),
		Description:            "Declare the stages of a pipeline in xt.toml; xt runs those whose inputs changed, records in\nxt.lock what each result was made from, and keeps the data in a cache.\n\nStart with \"xt init\". Exit codes: 0 fine, 1 a check or a stage failed, 2 wrong use or a\nmistake in a file, 3 something needed is missing, 4 anything else.",
		Flags:                  []cli.Flag{cdFlag(), quietFlag()},
		Commands:               a.commands(),
		EnableBashCompletion:   true,
		Suggest:                true,
		HideHelpCommand:        true,
		UseShortOptionHandling: false,
		Writer:                 a.term.Out,
		ErrWriter:              a.term.Err,
		Before:                 a.before,
		Action:                 a.noCommand,
		OnUsageError:           onUsageError,
		ExitErrHandler:         func(*cli.Context, error) {},
		CommandNotFound:        nil,
	}
	return c
}

func (a *app) commands() []*cli.Command {
	cmds := []*cli.Command{
		a.initCommand(), a.addCommand(), a.removeCommand(), a.statusCommand(), a.whyCommand(),
		a.reproCommand(), a.runCommand(), a.runsCommand(), a.sweepCommand(), a.plotsCommand(), a.reportCommand(), a.verifyCommand(), a.checkCommand(), a.dagCommand(), a.logsCommand(), a.jobsCommand(),
		a.importCommand(), a.updateCommand(), a.getCommand(), a.remoteCommand(),
		a.pushCommand(), a.pullCommand(), a.fetchCommand(),
		a.checkoutCommand(), a.gcCommand(), a.fsckCommand(),
		a.diffCommand(), a.paramsCommand(), a.metricsCommand(), a.modelCommand(),
		a.serveCommand(), a.hooksCommand(), a.ciCommand(),
		a.runRestCommand(), a.jobPerformCommand(), a.configCommand(), a.mergeDriverCommand(), a.schemaCommand(), a.doctorCommand(), a.completionCommand(),
	}
	for _, c := range cmds {
		a.finish(c)
	}
	return cmds
}

// finish gives a command, and those below it, what all commands have.
func (a *app) finish(c *cli.Command) {
	c.OnUsageError = onUsageError
	c.HideHelpCommand = true
	c.CustomHelpTemplate = helpTemplate
	for _, sub := range c.Subcommands {
		a.finish(sub)
	}
	if len(c.Subcommands) > 0 && c.Action == nil {
		c.CustomHelpTemplate = ""
		c.Action = a.noCommand
		return
	}
	c.Flags = append(c.Flags, quietFlag(), cdFlag())
	for _, f := range c.Flags {
		if b, ok := f.(*cli.BoolFlag); ok {
			b.DisableDefaultText = true
		}
	}
	c.BashComplete = a.complete(c)
	run := c.Action
	c.Action = func(ctx *cli.Context) error {
		if err := a.before(ctx); err != nil {
			return err
		}
		return run(ctx)
	}
}

func quietFlag() cli.Flag {
	return &cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "say only results and errors", DisableDefaultText: true}
}

func cdFlag() cli.Flag {
	return &cli.StringFlag{Name: "cd", Aliases: []string{"C"}, Usage: "work in `DIR` instead of the current directory"}
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "write JSON to standard output"}
}

// before applies the flags that may stand before or after the command.
func (a *app) before(c *cli.Context) error {
	if c.Bool("quiet") {
		a.term.Quiet = true
	}
	if dir := c.String("cd"); dir != "" && c.IsSet("cd") {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return usageErrorf("--cd: %s is not a directory", dir)
		}
		a.dir = dir
	}
	return nil
}

// writeJSON writes a result for programs.
func (a *app) writeJSON(v any) error { return encodeJSON(a.term.Out, v) }

func encodeJSON(w io.Writer, v any) error { return jsonEncoder(w, "").Encode(v) }

// jsonEncoder writes JSON as xt does everywhere; indent stands before each line but the
// first.
func jsonEncoder(w io.Writer, indent string) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetIndent(indent, "  ")
	enc.SetEscapeHTML(false)
	return enc
}

// helpTemplate is the help of one command: what it does, how it is called, its
// flags, and examples.
var helpTemplate = strings.TrimLeft(`
{{.HelpName}} - {{.Usage}}

usage: {{if .UsageText}}{{.UsageText}}{{else}}{{.HelpName}}{{if .VisibleFlags}} [flags]{{end}} {{.ArgsUsage}}{{end}}
{{if .Description}}
{{.Description}}
{{end}}{{if .VisibleFlags}}
flags:{{range .VisibleFlags}}
   {{.}}{{end}}
{{end}}`, "\n")
