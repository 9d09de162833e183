package main

import (
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xtrepro/xt/track/access"
)

func (a *app) tokenCommand() *cli.Command {
	return &cli.Command{
		Name:  "token",
		Usage: "say who may come to the server",
		Subcommands: []*cli.Command{
			{
				Name: "add", Usage: "make a token, and print it once", ArgsUsage: "NAME",
				Description: "From then on the server lets in only who sends a token. A server that runs takes note by itself.\n" +
					"Clients find theirs in MLFLOW_TRACKING_TOKEN. The file keeps its digest.\n\nexamples:\n   xt serve token add ann\n   xt serve token add dashboard --read-only",
				Flags:  append(storeFlags(), jsonFlag(), &cli.BoolFlag{Name: "read-only", Usage: "let it look, and change nothing"}),
				Action: a.tokenAdd,
			},
			{
				Name: "list", Usage: "list the tokens, without what is secret",
				Flags: append(storeFlags(), jsonFlag()), Action: a.tokenList,
			},
			{
				Name: "remove", Usage: "let a token in no more", ArgsUsage: "NAME",
				Flags: storeFlags(), Action: a.tokenRemove,
			},
		},
	}
}

// tokenReport is a token as it is shown to programs.
type tokenReport struct {
	Name  string    `json:"name"`
	Scope string    `json:"scope"`
	Made  time.Time `json:"made,omitzero"`
	Token string    `json:"token,omitempty"`
}

func (a *app) tokenAdd(c *cli.Context) error {
	if c.NArg() != 1 {
		return usageErrorf("xt serve token add takes the name of the token")
	}
	place, err := a.storePlace(c)
	if err != nil {
		return err
	}
	scope := access.Write
	if c.Bool("read-only") {
		scope = access.Read
	}
	secret, err := access.AddToken(place.tokens, c.Args().First(), scope)
	if err != nil {
		return &usageError{msg: err.Error()}
	}
	if c.Bool("json") {
		return a.writeJSON(tokenReport{Name: c.Args().First(), Scope: string(scope), Token: secret})
	}
	a.term.Printf("%s\n", secret)
	a.term.Sayf("it is not shown again; clients take it from MLFLOW_TRACKING_TOKEN")
	return nil
}

func (a *app) tokenList(c *cli.Context) error {
	place, err := a.storePlace(c)
	if err != nil {
		return err
	}
	tokens, err := access.ReadTokens(place.tokens)
	if err != nil {
		return err
	}
	reports := []tokenReport{}
	for _, t := range tokens {
		reports = append(reports, tokenReport{Name: t.Name, Scope: string(t.Scope), Made: t.Made})
	}
	if c.Bool("json") {
		return a.writeJSON(reports)
	}
	for _, t := range reports {
		a.term.Printf("%s\t%s\t%s\n", t.Name, t.Scope, t.Made.Format(time.DateOnly))
	}
	return nil
}

func (a *app) tokenRemove(c *cli.Context) error {
	if c.NArg() != 1 {
		return usageErrorf("xt serve token remove takes the name of the token")
	}
	place, err := a.storePlace(c)
	if err != nil {
		return err
	}
	found, err := access.RemoveToken(place.tokens, c.Args().First())
	if err == nil && !found {
		err = &usageError{msg: fmt.Sprintf("there is no token %q", c.Args().First()), hints: []string{"\"xt serve token list\" lists them"}}
	}
	return err
}
