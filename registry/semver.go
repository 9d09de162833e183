package registry

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Bump says which part of a version is raised.
type Bump string

// The values of [Bump].
const (
	Major Bump = "major"
	Minor Bump = "minor"
	Patch Bump = "patch"
)

// Bumped returns the version after one, or the first if that is "": with the
// part raised, and without what stands behind a - or +.
func Bumped(version string, part Bump) (string, error) {
	nums := []string{"0", "0", "0"}
	if m := versionPattern.FindStringSubmatch(version); m != nil {
		nums = m[1:4]
	}
	var v [3]uint64
	for i, n := range nums {
		var err error
		if v[i], err = strconv.ParseUint(n, 10, 62); err != nil {
			return "", fmt.Errorf("what comes after version %s: %w", version, err)
		}
	}
	switch part {
	case Major:
		v = [3]uint64{v[0] + 1, 0, 0}
	case Minor:
		v = [3]uint64{v[0], v[1] + 1, 0}
	default:
		v[2]++
	}
	return fmt.Sprintf("v%d.%d.%d", v[0], v[1], v[2]), nil
}

// CompareVersions orders versions as semver.org says: v1.0.0-rc.1 comes before
// v1.0.0, and what stands behind a + does not count. What is no version comes
// first.
func CompareVersions(a, b string) int {
	x, y := versionPattern.FindStringSubmatch(a), versionPattern.FindStringSubmatch(b)
	if x == nil || y == nil {
		return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(a, b))
	}
	return cmp.Or(compareDigits(x[1], y[1]), compareDigits(x[2], y[2]), compareDigits(x[3], y[3]), comparePre(x[4], y[4]))
}

// compareDigits compares numbers of any length without leading zeros.
func compareDigits(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func comparePre(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		if c := compareIdentifiers(x[i], y[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

func compareIdentifiers(a, b string) int {
	switch na, nb := isNumber(a), isNumber(b); {
	case na && nb:
		return compareDigits(a, b)
	case na:
		return -1
	case nb:
		return 1
	}
	return strings.Compare(a, b)
}
