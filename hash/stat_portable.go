//go:build !linux && !darwin

package hash

import "io/fs"

// addSystem adds nothing: where the time of an inode's change and its number
// cannot be had cheaply, size and modification time must do.
func addSystem(*Stat, fs.FileInfo) {}
