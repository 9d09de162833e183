package cache

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/xtrepro/xt/hash"
)

// tempPrefix starts the names of files that are about to get their real name.
// The scanner takes no notice of them.
const tempPrefix = hash.TempPrefix

// tempName returns a name that nobody else uses.
func tempName() string { return fmt.Sprintf("%s%016x", tempPrefix, rand.Uint64()) }

// isTemp reports whether name is one of tempName's. A kill may leave such a
// file; all it can hold is bytes that are in the cache, or a part of them.
func isTemp(name string) bool {
	rest, ok := strings.CutPrefix(name, tempPrefix)
	return ok && len(rest) == 16 && strings.Trim(rest, "0123456789abcdef") == ""
}
