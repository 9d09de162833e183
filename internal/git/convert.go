package git

import "strings"

// attributes are those that make git write other bytes into the working tree
// than it stores.
var attributes = []string{"filter", "ident", "working-tree-encoding", "eol", "text"}

// Converted returns those of the paths that git writes into the working tree
// with other bytes than it stores: with other line ends, or through a filter.
// Without a git command, and in submodules, none is known.
func (s *Snapshot) Converted(paths []string) map[string]bool {
	var ask []string
	for _, p := range paths {
		if f, ok := s.files[p]; ok && f.in == nil && (f.Mode == Regular || f.Mode == Executable) {
			ask = append(ask, p)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	out, err := s.r.runInput([]byte(strings.Join(ask, "\x00")+"\x00"), append([]string{"check-attr", "--stdin", "-z"}, attributes...)...)
	if err != nil {
		return nil
	}
	crlf := s.r.config("core.autocrlf") == "true" || s.r.config("core.eol") == "crlf"
	converted := map[string]bool{}
	for f := strings.Split(string(out), "\x00"); len(f) >= 3; f = f[3:] {
		if converts(f[1], f[2], crlf) {
			converted[f[0]] = true
		}
	}
	return converted
}

// converts reports whether an attribute asks for a conversion. crlf says that
// text is to have the line ends of Windows.
func converts(name, value string, crlf bool) bool {
	switch name {
	case "eol":
		return value == "crlf"
	case "text":
		return crlf && value != "unset"
	}
	return value != "unspecified" && value != "unset"
}

// config returns a setting; "" if there is none.
func (r *Repo) config(key string) string {
	out, _ := r.run("config", "--get", key)
	return strings.TrimSpace(string(out))
}

// ReadConverted returns the bytes that git would write into the working tree.
// A filter is run, which for one such as that of Git LFS may fetch them.
func (s *Snapshot) ReadConverted(path string) ([]byte, error) {
	f, ok := s.files[path]
	if !ok || f.Mode == Submodule {
		return nil, notExist(s.rev, path)
	}
	return s.r.run("cat-file", "--filters", "--path="+path, f.Blob)
}
