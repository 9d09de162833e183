package seedenv

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// packages returns the distributions installed in dirs, as "name==version" with
// normalised names, sorted. The first directory that has a name counts, as it
// does for an import. A directory that is not there holds none.
func packages(dirs []string) []string {
	found := make(map[string]string)
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		here := make(map[string]string)
		for _, entry := range entries {
			if name, version, ok := distribution(dir, entry.Name()); ok {
				here[name] = version
			}
		}
		for name, version := range here {
			if _, ok := found[name]; !ok {
				found[name] = version
			}
		}
	}
	list := make([]string, 0, len(found))
	for name, version := range found {
		list = append(list, name+"=="+version)
	}
	slices.Sort(list)
	return list
}

// distribution tells the name and version of what an entry of a directory on
// sys.path says is installed.
func distribution(dir, entry string) (name, version string, ok bool) {
	base, kind, ok := cutKind(entry)
	if !ok {
		return "", "", false
	}
	name, version, plain := strings.Cut(base, "-")
	if kind == ".egg-info" || kind == ".egg" {
		version, _, _ = strings.Cut(version, "-py")
	} else if strings.Contains(version, "-") {
		plain = false
	}
	if !plain || version == "" {
		name, version = readMetadata(filepath.Join(dir, entry), kind, base)
	}
	if name == "" {
		return "", "", false
	}
	return normalName(name), version + origin(filepath.Join(dir, entry), kind), true
}

// cutKind splits the ending off that tells how a distribution is recorded.
func cutKind(entry string) (base, kind string, ok bool) {
	for _, kind := range []string{".dist-info", ".egg-info", ".egg-link", ".egg"} {
		if base, ok := strings.CutSuffix(entry, kind); ok {
			return base, kind, true
		}
	}
	return "", "", false
}

var separators = regexp.MustCompile(`[-_.]+`)

// normalName returns a name as PEP 503 compares it.
func normalName(name string) string {
	if strings.IndexFunc(name, func(c rune) bool { return !('a' <= c && c <= 'z' || '0' <= c && c <= '9') }) < 0 {
		return name
	}
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

// readMetadata reads the name and version out of a distribution's own record,
// falling back to what its file name says.
func readMetadata(path, kind, base string) (name, version string) {
	var candidates []string
	switch kind {
	case ".dist-info":
		candidates = []string{filepath.Join(path, "METADATA")}
	case ".egg":
		candidates = []string{filepath.Join(path, "EGG-INFO", "PKG-INFO")}
	case ".egg-link":
		target, _, _ := strings.Cut(string(readHead(path, 4096)), "\n")
		candidates, _ = filepath.Glob(filepath.Join(strings.TrimSpace(target), "*.egg-info", "PKG-INFO"))
	default:
		candidates = []string{filepath.Join(path, "PKG-INFO"), path}
	}
	for _, file := range candidates {
		if name, version = parseMetadata(readHead(file, 64<<10)); name != "" {
			return name, version
		}
	}
	return base, "unknown"
}

// parseMetadata reads the headers Name and Version.
func parseMetadata(text []byte) (name, version string) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() && lines.Text() != "" {
		key, value, _ := strings.Cut(lines.Text(), ":")
		switch strings.ToLower(key) {
		case "name":
			name = strings.TrimSpace(value)
		case "version":
			version = strings.TrimSpace(value)
		}
	}
	return name, version
}

// origin returns what a version number alone does not tell about a distribution
// that came from elsewhere than an index: " (editable)", " (git 1f2e3d…)".
func origin(path, kind string) string {
	if kind == ".egg-link" {
		return " (editable)"
	}
	if kind != ".dist-info" {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(path, "direct_url.json"))
	if err != nil {
		return ""
	}
	return describeOrigin(text)
}

// directURL is what PEP 610 records. Where it was on this machine is left out.
type directURL struct {
	Dir *struct {
		Editable bool `json:"editable"`
	} `json:"dir_info"`
	VCS *struct {
		VCS    string `json:"vcs"`
		Commit string `json:"commit_id"`
	} `json:"vcs_info"`
	Archive *struct {
		Hash   string            `json:"hash"`
		Hashes map[string]string `json:"hashes"`
	} `json:"archive_info"`
}

func describeOrigin(text []byte) string {
	var direct directURL
	if json.Unmarshal(text, &direct) != nil {
		return " (unknown origin)"
	}
	switch {
	case direct.Dir != nil && direct.Dir.Editable:
		return " (editable)"
	case direct.Dir != nil:
		return " (local directory)"
	case direct.VCS != nil:
		return " (" + direct.VCS.VCS + " " + direct.VCS.Commit + ")"
	case direct.Archive != nil && direct.Archive.Hashes["sha256"] != "":
		return " (sha256=" + direct.Archive.Hashes["sha256"] + ")"
	case direct.Archive != nil && direct.Archive.Hash != "":
		return " (" + direct.Archive.Hash + ")"
	}
	return " (unknown origin)"
}
