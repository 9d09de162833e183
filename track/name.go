package track

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	mrand "math/rand/v2"
)

// NewRunID returns a new ID of a run.
func NewRunID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return hex.EncodeToString(b[:])
}

// NewModelID returns a new ID of a logged model.
func NewModelID() string { return "m-" + NewRunID() }

var (
	adjectives = [...]string{"amber", "brave", "calm", "clever", "crisp", "eager", "fair", "fleet", "gentle", "glad", "golden", "keen", "kind", "lively", "lucid", "mellow", "merry", "mild", "nimble", "noble", "polite", "proud", "quick", "quiet", "rapid", "rosy", "shrewd", "silent", "smooth", "steady", "stout", "sunny", "swift", "tidy", "vivid", "warm", "wise", "witty", "young", "zesty"}
	animals    = [...]string{"ant", "bat", "bear", "bee", "boar", "carp", "cat", "colt", "crab", "crow", "deer", "dove", "duck", "elk", "fawn", "finch", "fox", "frog", "gnat", "goat", "goose", "hare", "hawk", "heron", "horse", "jay", "kite", "koi", "lark", "lynx", "mole", "moose", "mouse", "newt", "otter", "owl", "perch", "quail", "ram", "robin", "seal", "shrew", "snail", "stork", "swan", "toad", "trout", "vole", "wolf", "wren"}
)

// RandomName returns a name for what nobody has named, such as "calm-otter-417".
func RandomName() string {
	return fmt.Sprintf("%s-%s-%d", adjectives[mrand.IntN(len(adjectives))], animals[mrand.IntN(len(animals))], mrand.IntN(1000))
}
