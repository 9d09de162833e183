package jobs

import (
	"io"
	"os"
	"strings"
)

// tail copies what is added to a file, which need not exist yet.
type tail struct {
	name string
	at   int64
}

// copy writes what is new. The file is opened each time: on a network file system that
// is when its size is asked for.
func (t *tail) copy(to io.Writer) {
	f, err := os.Open(t.name)
	if err != nil {
		return
	}
	defer f.Close()
	if _, err := f.Seek(t.at, io.SeekStart); err != nil {
		return
	}
	n, _ := io.Copy(to, f)
	t.at += n
}

// tailSize is how much of the end of a log is told, in bytes.
const tailSize = 8 << 10

// lastOf returns the last lines of a file.
func lastOf(name string, lines int) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tailSize {
		_, _ = f.Seek(-tailSize, io.SeekEnd)
	}
	b, _ := io.ReadAll(io.LimitReader(f, tailSize))
	all := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
