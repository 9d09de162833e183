package seedenv

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// interpreterName matches the file name of a Python interpreter.
var interpreterName = regexp.MustCompile(`^(python|pypy)[0-9.]*[a-z]?(\.exe)?$`)

// FindPython returns the absolute path of the interpreter that a command
// starts: the first command in it that is named like an interpreter, or is a
// script whose first line names one; if there is none, python3 or python on
// PATH. dir is the absolute directory that the command runs in. Symbolic links
// are not resolved, since a virtual environment is known by its path. Without
// an interpreter the error is a [*MissingError].
func FindPython(cmd, dir string, environ []string) (string, error) {
	for _, w := range splitWords(cmd) {
		if interpreterName.MatchString(filepath.Base(w.text)) {
			if path, ok := FindCommand(w.text, dir, environ); ok {
				return path, nil
			}
		}
		if !w.first {
			continue
		}
		if path, ok := shebangPython(w.text, dir, environ); ok {
			return path, nil
		}
	}
	return defaultPython(dir, environ)
}

// defaultPython returns python3, or else python, on PATH.
func defaultPython(dir string, environ []string) (string, error) {
	for _, name := range []string{"python3", "python"} {
		if path, ok := FindCommand(name, dir, environ); ok {
			return path, nil
		}
	}
	return "", &MissingError{
		What: "no Python interpreter: neither python3 nor python is on PATH",
		Hint: "install Python 3.8 or newer, or put the directory that it is in on PATH",
	}
}

// shebangPython returns the interpreter that the first line of the script named
// command asks for, if it is a Python script.
func shebangPython(command, dir string, environ []string) (string, bool) {
	path, ok := FindCommand(command, dir, environ)
	if !ok {
		return "", false
	}
	for _, w := range shebang(readHead(path, 512)) {
		if interpreterName.MatchString(filepath.Base(w)) {
			return FindCommand(w, dir, environ)
		}
	}
	return "", false
}

// FindCommand returns the absolute path of the executable file that a shell in
// dir would run for name.
func FindCommand(name, dir string, environ []string) (string, bool) {
	if strings.ContainsAny(name, `/`+string(filepath.Separator)) {
		return executable(absolute(dir, filepath.FromSlash(name)), environ)
	}
	for _, entry := range filepath.SplitList(get(environ, "PATH")) {
		if path, ok := executable(filepath.Join(absolute(dir, entry), name), environ); ok {
			return path, true
		}
	}
	return "", false
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// executable returns path, with the extension that Windows leaves out added, if
// a file that can be executed is there.
func executable(path string, environ []string) (string, bool) {
	for _, extension := range extensions(path, environ) {
		info, err := os.Stat(path + extension)
		if err == nil && info.Mode().IsRegular() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0) {
			return path + extension, true
		}
	}
	return "", false
}

// extensions returns what may follow path in the name of an executable file.
func extensions(path string, environ []string) []string {
	if runtime.GOOS != "windows" || filepath.Ext(path) == ".exe" {
		return []string{""}
	}
	if list := get(environ, "PATHEXT"); list != "" {
		return filepath.SplitList(strings.ToLower(list))
	}
	return []string{".exe", ".bat", ".cmd"}
}

// readHead returns the first bytes of a file, at most n; none if it cannot be
// read or is not a regular file.
func readHead(path string, n int64) []byte {
	if info, err := os.Stat(path); err != nil || info.Mode()&fs.ModeType != 0 {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, n))
	if err != nil {
		return nil
	}
	return head
}

// shebang returns the words of the first line of a script, after "#!".
func shebang(head []byte) []string {
	rest, ok := bytes.CutPrefix(head, []byte("#!"))
	if !ok {
		return nil
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return strings.Fields(string(line))
}
