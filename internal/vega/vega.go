// Package vega has what a page needs to draw specifications of Vega-Lite by itself:
// the programs of the Vega project, and a few lines that start them.
//
// They evaluate no text as code, so that a page may forbid that, and they load
// nothing.
package vega

import (
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"strings"
	"sync"
)

//go:embed *.gz draw.js
var files embed.FS

// Scripts returns the programs, in the order in which a page has to run them. The
// last draws each element of the page that has the class "vega": what is to be drawn
// stands in a script element in it, as JSON.
var Scripts = sync.OnceValues(func() ([]string, error) {
	var all []string
	for _, name := range []string{"vega.min.js.gz", "vega-lite.min.js.gz", "vega-interpreter.js.gz"} {
		text, err := unpacked(name)
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	interpreter, err := asScript(all[2])
	if err != nil {
		return nil, err
	}
	start, err := files.ReadFile("draw.js")
	all[2] = interpreter + string(start)
	return all, err
})

func unpacked(name string) (string, error) {
	f, err := files.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return withoutMap(string(b)), nil
}

// withoutMap leaves out the address of a source map, which a browser would look for.
func withoutMap(text string) string {
	if i := strings.LastIndex(text, "//# sourceMappingURL="); i >= 0 {
		return text[:i]
	}
	return text
}

// asScript makes a script of the interpreter, which there is as a module only: what it
// imports Vega has too.
func asScript(module string) (string, error) {
	from := strings.NewReplacer(
		"import { ascending, isString, DisallowedObjectProperties } from 'vega-util';", "const interpreter = (() => { const { ascending, isString, DisallowedObjectProperties } = vega;",
		"export { expression as expressionInterpreter };", "return expression; })();")
	text := from.Replace(module)
	if strings.Contains(text, "\nimport ") || strings.HasPrefix(text, "import ") || strings.Contains(text, "\nexport ") {
		return "", fmt.Errorf("the interpreter is another than this version of xt knows")
	}
	return text, nil
}
