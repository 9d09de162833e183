package seedenv

import (
	"context"
	"os"
	"strings"
)

// uvEnviron returns the environment that uv runs in: the user's, with what pip
// is told about the package index passed on, because uv does not read it, and
// without what would make uv look at another environment.
func (b *Builder) uvEnviron(ctx context.Context, python string) []string {
	environ := without(b.Environ, "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_SYSTEM_PYTHON",
		"UV_PROJECT", "UV_WORKING_DIRECTORY", "XT_SEED", "XT_DETERMINISTIC")
	if _, ok := Lookup(environ, "UV_PYTHON_DOWNLOADS"); !ok {
		environ = append(environ, "UV_PYTHON_DOWNLOADS=never")
	}
	b.askPip.Do(func() { b.pip = b.pipSettings(ctx, python) })
	for name, value := range translate(b.pip, environ) {
		environ = append(environ, name+"="+value)
	}
	return environ
}

// pipSettings returns pip's settings by name: those of its files, over which
// those of the environment go.
func (b *Builder) pipSettings(ctx context.Context, python string) map[string]string {
	settings := make(map[string]string)
	if out, err := b.output(ctx, python, "-m", "pip", "config", "list"); err == nil {
		for line := range strings.Lines(out) {
			key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
			section, name, dotted := cutLast(key, ".")
			if ok && dotted && (section == "global" || section == "install") {
				settings[name] = strings.ReplaceAll(strings.Trim(value, `'"`), `\n`, " ")
			}
		}
	}
	for _, entry := range b.Environ {
		key, value, _ := strings.Cut(entry, "=")
		if name, ok := strings.CutPrefix(key, "PIP_"); ok && value != "" {
			settings[strings.ToLower(strings.ReplaceAll(name, "_", "-"))] = value
		}
	}
	return settings
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// translate returns the variables that tell uv what pip's settings say. Where
// the user has told uv about an index, that stands alone.
func translate(pip map[string]string, environ []string) map[string]string {
	vars := make(map[string]string)
	put := func(name, value string) {
		if _, ok := Lookup(environ, name); !ok && value != "" {
			vars[name] = value
		}
	}
	put("SSL_CERT_FILE", existing(pip["cert"]))
	put("UV_HTTP_TIMEOUT", orElse(pip["timeout"], pip["default-timeout"]))
	for _, name := range []string{"UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_NO_INDEX"} {
		if _, ok := Lookup(environ, name); ok {
			return vars
		}
	}
	put("UV_DEFAULT_INDEX", pip["index-url"])
	put("UV_INDEX", pip["extra-index-url"])
	put("UV_FIND_LINKS", strings.Join(strings.Fields(pip["find-links"]), ","))
	put("UV_INSECURE_HOST", pip["trusted-host"])
	if isTrue(pip["no-index"]) {
		put("UV_NO_INDEX", "1")
	}
	return vars
}

// existing returns path if a file is there.
func existing(path string) string {
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

func isTrue(value string) bool {
	switch strings.ToLower(value) {
	case "1", "true", "yes", "on":
		return true
	}
	return false
}
