package mlflow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

// documentRoutes describe the others.
var documentRoutes = []route{
	{"GET", "/openapi.json", "this, for programs", plain, (*call).openAPI},
	{"GET", "/docs", "this, for people", plain, (*call).docs},
}

var docsPage = template.Must(template.New("docs").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>xt serve</title>
<style>body{font:15px/1.5 system-ui;max-width:70em;margin:2em auto;padding:0 1em}td{padding:.15em .8em .15em 0;vertical-align:top}code{white-space:nowrap}.f{white-space:normal;color:#666}</style>
<h1>xt serve</h1>
<p>MLflow's REST API, as of {{.Version}}. What is below <code>/api/</code> is below <code>/ajax-api/</code> too. Arguments are
JSON in the body, or a query where the method is GET; those with ! are required. <a href="/openapi.json">openapi.json</a> says the same to programs.</p>
<pre>curl {{.Origin}}/api/2.0/mlflow/experiments/search -H 'Content-Type: application/json' -d '{"max_results": 10}'</pre>
<table>
{{range .Routes}}<tr><td>{{.Method}}<td><code>{{.Path}}</code><td>{{.About}} <span class="f">{{.Fields}}</span>
{{end}}</table>
</html>
`))

// docsRow is an endpoint on the page.
type docsRow struct{ Method, Path, About, Fields string }

func (c *call) docs() error {
	var rows []docsRow
	for _, r := range c.all {
		rows = append(rows, docsRow{r.method, r.paths()[0], r.about, strings.Trim(r.fields, "-")})
	}
	var page bytes.Buffer
	err := docsPage.Execute(&page, map[string]any{"Version": Version, "Origin": c.origin(), "Routes": rows})
	if err != nil {
		return fmt.Errorf("write the page of endpoints: %w", err)
	}
	c.write(http.StatusOK, "text/html; charset=utf-8", page.Bytes())
	return nil
}

type object = map[string]any

func (c *call) openAPI() error {
	paths := map[string]object{}
	for _, r := range c.all {
		at := strings.ReplaceAll(r.paths()[0], "...}", "}")
		if paths[at] == nil {
			paths[at] = object{}
		}
		paths[at][strings.ToLower(r.method)] = r.operation()
	}
	b, err := json.Marshal(object{
		"openapi": "3.1.0",
		"info":    object{"title": "xt serve", "version": Version, "description": "MLflow's REST API"},
		"paths":   paths,
	})
	if err != nil {
		return fmt.Errorf("write openapi.json: %w", err)
	}
	c.write(http.StatusOK, "application/json", b)
	return nil
}

// operation describes the endpoint in OpenAPI's terms.
func (r *route) operation() object {
	var params []object
	for _, name := range r.inPath() {
		params = append(params, object{"name": name, "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	op := object{"summary": r.about, "responses": object{"200": object{"description": "done"}, "default": object{"description": "an object with error_code and message"}}}
	if r.fields != plain && r.fields != "" {
		if r.method == http.MethodGet {
			for _, f := range parseFields(r.fields) {
				params = append(params, object{"name": f.name, "in": "query", "required": f.required, "schema": f.schema()})
			}
		} else {
			op["requestBody"] = object{"content": object{"application/json": object{"schema": schema(parseFields(r.fields))}}}
		}
	}
	if params != nil {
		op["parameters"] = params
	}
	return op
}

func schema(fields []field) object {
	properties, required := object{}, []string{}
	for _, f := range fields {
		properties[f.name] = f.schema()
		if f.required {
			required = append(required, f.name)
		}
	}
	return object{"type": "object", "properties": properties, "required": required}
}
