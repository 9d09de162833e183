package registry

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Action is what a tag does.
type Action string

// The actions.
const (
	Create     Action = "create"
	Register   Action = "register"
	Deregister Action = "deregister"
	Assign     Action = "assign"
	Unassign   Action = "unassign"
	Deprecate  Action = "deprecate"
)

// TagName is the name of a tag, taken apart.
type TagName struct {
	Model   string // "name", or "dir:name" of a project in a directory
	Action  Action
	Version string // "v1.2.0"; of a registration
	Stage   string // as it was typed; of an assignment
	Counter uint64 // 0: none
}

const (
	namePart  = `[a-zA-Z0-9](?:[a-zA-Z0-9/_-]*[a-zA-Z0-9])?`
	dirPart   = `[a-zA-Z0-9_./-]+`
	semver    = `v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?`
	maxName   = 200
	maxCount  = 1 << 53 // of counters: what comes after it can still be counted
	separator = ":"     // between directory and name; git allows no colon, so that a tag has "="
)

var (
	tagPattern     = regexp.MustCompile(`^((?:` + dirPart + `=)?` + namePart + `)(?:(?:#(` + namePart + `)|@(` + semver + `))(!?)|@(deprecated|created))(?:#([0-9]+))?$`)
	modelPattern   = regexp.MustCompile(`^(?:` + dirPart + separator + `)?` + namePart + `$`)
	stagePattern   = regexp.MustCompile(`^` + namePart + `$`)
	versionPattern = regexp.MustCompile(`^` + semver + `$`)
)

// The places of the groups in tagPattern; semver has five of its own.
const (
	atModel, atStage, atVersion, atCancel, atWhole, atCounter = 1, 2, 3, 9, 10, 11
)

// ParseTagName takes the name of a tag apart. ok is false if it is no event of a
// model.
func ParseTagName(tag string) (n TagName, ok bool) {
	m := tagPattern.FindStringSubmatch(tag)
	if m == nil || len(tag) > 2*maxName {
		return TagName{}, false
	}
	n = TagName{Model: strings.ReplaceAll(m[atModel], "=", separator), Stage: m[atStage], Version: m[atVersion]}
	cancel := m[atCancel] == "!"
	switch {
	case m[atWhole] == "deprecated":
		n.Action = Deprecate
	case m[atWhole] == "created":
		n.Action = Create
	case n.Version != "" && cancel:
		n.Action = Deregister
	case n.Version != "":
		n.Action = Register
	case cancel:
		n.Action = Unassign
	default:
		n.Action = Assign
	}
	if m[atCounter] != "" {
		var err error
		n.Counter, err = strconv.ParseUint(m[atCounter], 10, 64)
		if err != nil || n.Counter > maxCount {
			return TagName{}, false
		}
	}
	return n, true
}

// String returns the name as a tag has it.
func (n TagName) String() string {
	s := strings.ReplaceAll(n.Model, separator, "=")
	switch n.Action {
	case Register, Deregister:
		s += "@" + n.Version
	case Assign, Unassign:
		s += "#" + n.Stage
	case Deprecate:
		s += "@deprecated"
	case Create:
		s += "@created"
	}
	if n.Action == Deregister || n.Action == Unassign {
		s += "!"
	}
	if n.Counter > 0 {
		s += fmt.Sprintf("#%d", n.Counter)
	}
	return s
}

// NameError says that something cannot be called so.
type NameError struct {
	What string // "a model", "a stage", "a version"
	Name string
	Want string
}

// Error says what it should be.
func (e *NameError) Error() string { return fmt.Sprintf("%q cannot be the name of %s", e.Name, e.What) }

// Hints says what may be.
func (e *NameError) Hints() []string { return []string{e.Want} }

const nameWant = "letters, digits, - and _, with / between parts, a letter or digit at both ends"

// CheckModel refuses what cannot be the name of a model: what GTO or git would not
// take in a tag.
func CheckModel(name string) error {
	if !modelPattern.MatchString(name) || len(name) > maxName || !refSafe(strings.ReplaceAll(name, separator, "=")) {
		return &NameError{"a model", name, nameWant}
	}
	return nil
}

// CheckStage refuses what cannot be the name of a stage, or would be taken for
// something else after NAME@.
func CheckStage(name string) error {
	switch {
	case !stagePattern.MatchString(name) || len(name) > maxName || !refSafe(name):
		return &NameError{"a stage", name, nameWant}
	case isNumber(name) || strings.EqualFold(name, "latest") || strings.EqualFold(name, "greatest") || strings.EqualFold(name, "deprecated") || strings.EqualFold(name, "created"):
		return &NameError{"a stage", name, "NAME@" + name + " means something else; such as staging or production"}
	}
	return nil
}

// CheckVersion refuses what is no version.
func CheckVersion(version string) error {
	if !versionPattern.MatchString(version) || len(version) > maxName || !refSafe(version) {
		return &NameError{"a version", version, "a v and three numbers, as v1.2.0 or v1.2.0-rc.1: see semver.org"}
	}
	return nil
}

// refSafe reports whether git takes a text of the grammar's characters in the name
// of a tag.
func refSafe(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".") || strings.HasSuffix(part, ".lock") || len(part) > 150 {
			return false
		}
	}
	return !strings.Contains(name, "..")
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// CheckAlias refuses what cannot be an alias of a version, since after NAME@ it
// would be taken for something else.
func CheckAlias(name string) error {
	if err := CheckStage(name); err != nil {
		return &NameError{"an alias", name, err.(*NameError).Want}
	}
	return nil
}
