package seedenv

import "strings"

// progress keeps what uv says, and passes on the lines about what takes long.
type progress struct {
	say  func(format string, args ...any)
	all  strings.Builder
	line strings.Builder
}

// Write implements [io.Writer].
func (p *progress) Write(b []byte) (int, error) {
	p.all.Write(b)
	for _, c := range b {
		if c != '\n' {
			p.line.WriteByte(c)
			continue
		}
		text := strings.TrimSpace(p.line.String())
		for _, word := range []string{"Downloading ", "Building ", "Prepared ", "Installed "} {
			if strings.HasPrefix(text, word) {
				p.say("uv: %s", text)
			}
		}
		p.line.Reset()
	}
	return len(b), nil
}
