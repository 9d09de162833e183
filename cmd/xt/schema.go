package main

import (
	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/pipeline"
)

func (a *app) schemaCommand() *cli.Command {
	return &cli.Command{
		Name:  "schema",
		Usage: "print the JSON Schema of xt.toml, for editors",
		Description: "Write it to a file and name it in the first line of xt.toml:\n" +
			"   #:schema ./xt.schema.json\nEditors with a TOML language server then complete and check the file.\n\n" +
			"examples:\n   xt schema > xt.schema.json",
		Action: func(c *cli.Context) error {
			_, err := a.term.Out.Write(pipeline.Schema())
			return err
		},
	}
}
