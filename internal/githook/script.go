package githook

import (
	"os/exec"
	"path/filepath"
	"strings"
)

// script returns the text of a hook: it finds xt, also where a graphical client
// has a short PATH, and lets it do the work in each project.
func (d *Dir) script(name string, projects []string) string {
	var b strings.Builder
	b.WriteString(firstLines)
	for _, p := range projects {
		b.WriteString(projectLine + p + "\n")
	}
	input, fail, failed := "", "exit 1", "status=1"
	if name == PrePush {
		input = "printf '%s\\n' \"$refs\" | "
		b.WriteString("refs=$(cat)\n")
	}
	blocked := "the commit was stopped; \"git commit --no-verify\" goes on without the check"
	switch name {
	case PrePush:
		blocked = "the push was stopped; \"git push --no-verify\" goes on without the check"
	case PostCheckout:
		fail, failed, blocked = "exit 0", ":", "run \"xt checkout\" by hand"
	}
	b.WriteString("before=\"$(dirname -- \"$0\")/" + name + beforeSuffix + "\"\n" +
		"if [ -x \"$before\" ]; then\n  " + input + "\"$before\" \"$@\" || exit\nfi\n" +
		"xt=$(command -v xt) || xt=" + quote(filepath.ToSlash(d.Program)) + "\n" +
		"if [ ! -x \"$xt\" ]; then\n" +
		"  echo 'xt: there is no xt on PATH, so that the " + name + " hook cannot run it' >&2\n" +
		"  echo 'xt: hint: install xt, or remove '\"$0\"'; " + blocked + "' >&2\n" +
		"  " + fail + "\nfi\nstatus=0\n")
	for _, p := range projects {
		// On another branch the project may not be there.
		b.WriteString("if [ -f " + quote(p) + "/xt.toml ]; then\n  " + input + "\"$xt\" -C " + quote(p) + " hooks run " + name + " -- \"$@\" || " + failed + "\nfi\n")
	}
	b.WriteString("exit $status\n")
	body := b.String()
	return body + sumLine + digest(body) + "\n"
}

// Command returns how a shell calls xt: by its name if that is on PATH.
func (d *Dir) Command() string {
	if _, err := exec.LookPath("xt"); err == nil {
		return "xt"
	}
	return quote(filepath.ToSlash(d.Program))
}

// quote spells a text for a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
