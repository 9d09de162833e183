package hash

// Kind says what stands at a path.
type Kind uint8

// The kinds that xt versions. Sockets, devices and named pipes have none: they
// are refused by name.
const (
	File       Kind = iota + 1 // a regular file
	Executable                 // a regular file that its owner may execute
	Symlink                    // a symbolic link, kept as the text of its target
	Directory                  // a directory, kept as a [Tree]
)

// String returns the kind in the user's words.
func (k Kind) String() string {
	switch k {
	case File:
		return "file"
	case Executable:
		return "executable file"
	case Symlink:
		return "symbolic link"
	case Directory:
		return "directory"
	}
	return "nothing"
}

// Node is the identity of what stands at one path. The zero Node stands for
// "nothing there".
type Node struct {
	Kind Kind
	// Sum is the digest of a file's bytes, of a symbolic link's target text, or
	// of the encoded [Tree] of a directory.
	Sum Sum
	// Size is the number of bytes of a file, of a link's target, or of all that
	// lies below a directory.
	Size int64
	// Files is the number of files and links below a directory; 0 for others.
	Files int64
	// Target is where a symbolic link points, unresolved; empty for others.
	Target string
}

// IsZero reports whether n stands for "nothing there".
func (n Node) IsZero() bool { return n.Kind == 0 }

// Same reports whether n and m are the same content in the same form.
func (n Node) Same(m Node) bool { return n.Kind == m.Kind && n.Sum == m.Sum }
