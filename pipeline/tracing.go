package pipeline

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xtrepro/xt/internal/trace"
)

// Seen is what the processes of a command did with files.
type Seen struct {
	Declared    int      // files that the stage declares and that were opened
	Undeclared  []string // of the project, which were read or, in an isolated run, looked for; sorted
	Stray       []string // of the project, outside the outputs, which were written or deleted; sorted
	Environment []string // directories with packages, interpreters and settings of the user that were read
	System      int      // files of the system that were read
	Notes       []string // why something may be missing here
}

// sorter tells apart what a command did with files.
type sorter struct {
	w    *Workspace
	s    *Stage
	room *room // nil in the workspace
}

// sort sorts what was recorded of a command.
func (o *sorter) sort(report *trace.Report) *Seen {
	seen := &Seen{Notes: report.Blind}
	if report.Cut {
		seen.Notes = append(seen.Notes, "there were too many files to keep them all")
	}
	if report.Alive {
		seen.Notes = append(seen.Notes, "processes were left that went on")
	}
	homes := map[string]bool{}
	for i := range report.Accesses {
		o.one(seen, &report.Accesses[i], homes)
	}
	for dir := range homes {
		seen.Environment = append(seen.Environment, dir)
	}
	slices.Sort(seen.Environment)
	slices.Sort(seen.Undeclared)
	slices.Sort(seen.Stray)
	seen.Undeclared = slices.Compact(seen.Undeclared)
	seen.Stray = slices.Compact(seen.Stray)
	return seen
}

func (o *sorter) one(seen *Seen, a *trace.Access, homes map[string]bool) {
	rel, inside := o.relative(a.Path)
	switch {
	case inside && rel == ".":
	case inside:
		o.project(seen, a, rel)
	case a.Missing || a.Dir || !a.Read && !a.Exec:
	case isSystem(a.Path):
		seen.System++
	default:
		homes[packageDir(a.Path)] = true
	}
}

// relative returns a path relative to the project, where it is in it or in the
// room.
func (o *sorter) relative(name string) (rel string, inside bool) {
	roots := []string{o.w.Root}
	if o.room != nil {
		roots = []string{o.room.root, o.w.Root} // the room is below the project
	}
	for _, root := range roots {
		if below, err := filepath.Rel(root, name); err == nil && filepath.IsLocal(below) {
			rel = filepath.ToSlash(below)
			if first, _, _ := strings.Cut(rel, "/"); first == StateDir || first == ".git" {
				return ".", true // xt's and git's own
			}
			return rel, true
		}
	}
	return "", false
}

// project sorts what was done with something in the project.
func (o *sorter) project(seen *Seen, a *trace.Access, rel string) {
	if strings.Contains(rel+"/", "/__pycache__/") || strings.HasPrefix(rel, "__pycache__/") || o.isTool(rel) {
		return // made of sources, and no more than these
	}
	makes := o.s.makes(rel)
	if a.Write && !makes {
		seen.Stray = append(seen.Stray, rel)
	}
	switch {
	case makes || a.Created:
	case o.declares(rel):
		seen.Declared++
	case a.Dir: // what is in it counts, not that it was looked at
	case a.Read, a.Exec:
		seen.Undeclared = append(seen.Undeclared, rel)
	case a.Missing && o.room != nil && isRegular(o.w.path(rel)):
		seen.Undeclared = append(seen.Undeclared, rel)
	}
}

func isRegular(abs string) bool {
	info, err := os.Stat(abs)
	return err == nil && info.Mode().IsRegular()
}

// declares reports whether the stage declares a path as an input, or a directory
// that it is in.
func (o *sorter) declares(rel string) bool {
	for _, list := range [][]string{o.s.Code, o.s.Deps, o.s.paramFiles()} {
		for _, p := range list {
			if below(rel, p) {
				return true
			}
		}
	}
	return path.Base(rel) == ".xtignore"
}

// isTool reports whether a path is of a virtual environment.
func (o *sorter) isTool(rel string) bool {
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(o.w.path(dir), "pyvenv.cfg")); err == nil {
			return true
		}
	}
	return false
}

// systemDirs are where a system keeps its own files.
var systemDirs = []string{"/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/proc", "/sys", "/dev", "/run", "/var", "/opt", "/nix", "/snap", "/tmp"}

func isSystem(name string) bool {
	for _, dir := range systemDirs {
		if name == dir || strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

// packageDir returns the directory by which a file of an interpreter, of packages
// or of the user's settings is named to people.
func packageDir(name string) string {
	for _, mark := range []string{"/site-packages/", "/dist-packages/"} {
		if i := strings.Index(name, mark); i >= 0 {
			first, _, _ := strings.Cut(name[i+len(mark):], "/")
			return name[:i+len(mark)] + first
		}
	}
	return filepath.Dir(name)
}
