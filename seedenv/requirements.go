package seedenv

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/xtrepro/xt/hash"
)

// Requirements is what a requirements file asks for.
type Requirements struct {
	File    string   // slash path below the project root
	Version string   // the Python version asked for, "3.11"; "" for any
	Sum     hash.Sum // digest of the file and of those it includes
}

// ReadRequirements reads the requirements file with the given name, and the
// files that it includes with -r and -c, through read, which takes slash paths
// below the project root.
func ReadRequirements(read func(name string) ([]byte, error), file, version string) (Requirements, error) {
	var t hash.Text
	if err := addRequirements(&t, read, path.Clean(file), make(map[string]bool)); err != nil {
		return Requirements{}, err
	}
	return Requirements{path.Clean(file), version, hash.Sum(t.Fingerprint())}, nil
}

// inclusion matches a line that includes another requirements file.
var inclusion = regexp.MustCompile(`(?m)^\s*(?:-r|-c|--requirements?|--constraints?)[ \t=]*([^\s#]+)`)

func addRequirements(t *hash.Text, read func(string) ([]byte, error), file string, seen map[string]bool) error {
	if seen[file] {
		return nil
	}
	seen[file] = true
	content, err := read(file)
	if err != nil {
		return fmt.Errorf("read requirements: %w", err)
	}
	// Git may have changed the line ends.
	content = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	t.Line("file", file, string(content))
	for _, match := range inclusion.FindAllSubmatch(content, -1) {
		name := string(match[1])
		if strings.Contains(name, "://") {
			continue
		}
		if err := addRequirements(t, read, path.Join(path.Dir(file), name), seen); err != nil {
			return err
		}
	}
	return nil
}

// LockName returns the name of the locked file that belongs to a requirements
// file: "requirements.lock" for "requirements.txt".
func LockName(file string) string {
	return strings.TrimSuffix(file, path.Ext(file)) + ".lock"
}

// The header of a locked file says what it was made from. It is a comment, so
// that pip and uv read the file as they would any other.
const (
	lockTitle        = "# Resolved by xt with uv: do not edit.\n"
	lockRequirements = "# requirements: "
	lockPython       = "# python: "
)

// header returns the first lines of a locked file for r, resolved for the given
// Python version, "3.11".
func (r Requirements) header(python string) string {
	return lockTitle + lockRequirements + r.Sum.String() + "\n" + lockPython + python + "\n"
}

// Resolved reports whether lock, the content of a locked file, was made from r
// as it is now.
func (r Requirements) Resolved(lock []byte) bool {
	sum := headerField(lock, lockRequirements)
	return sum == r.Sum.String() && (r.Version == "" || minor(r.Version) == LockedPython(lock))
}

// LockedPython returns the Python version that a locked file was resolved for,
// "3.11"; "" if it does not say.
func LockedPython(lock []byte) string { return headerField(lock, lockPython) }

func headerField(lock []byte, label string) string {
	for line := range bytes.Lines(lock) {
		if !bytes.HasPrefix(line, []byte("#")) {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte(label)); ok {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

// LockedSum returns the digest of what a locked file pins. Comments and line
// ends do not count, so that a note in the requirements makes nothing stale.
func LockedSum(lock []byte) hash.Sum {
	var pins []byte
	for line := range bytes.Lines(lock) {
		line = bytes.TrimRight(line, " \t\r\n")
		if text := bytes.TrimSpace(line); len(text) > 0 && text[0] != '#' {
			pins = append(append(pins, line...), '\n')
		}
	}
	return hash.Bytes(pins)
}

// minor returns the first two numbers of a Python version.
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// localSource matches a pinned line that stands for a directory or file of this
// project, or of this machine.
var localSource = regexp.MustCompile(`(?m)^(?:\.{1,2}/|/|file:|[^\s#@-][^\s@]*\s*@\s*(?:file:|\.{0,2}/))[^\n]*`)

// checkPins refuses a locked file whose environment could change without it: one
// that installs a copy of a directory. An editable one is not copied.
func checkPins(locked []byte) error {
	for _, match := range localSource.FindAll(locked, -1) {
		line := strings.TrimSpace(string(match))
		if strings.HasSuffix(line, `\`) {
			continue // its digest follows
		}
		return fmt.Errorf("%s is a local directory, and what is in it would not be part of the environment's identity: "+
			"write -e before it and list its files as code of the stages that import it", line)
	}
	return nil
}
