package git

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// few is up to how many packed objects a git command of its own is not worth it.
const few = 16

// ReadEach reads the files at many paths, which are distinct, and calls each with
// the path of one and its bytes as git stores them: in no order, and from several
// goroutines. It is for what will be wanted: a file that it cannot read in a quick
// way, for whatever reason, it leaves to [Snapshot.ReadFile].
func (s *Snapshot) ReadEach(paths []string, each func(path string, content []byte)) {
	var wg sync.WaitGroup
	packed := make([][]File, min(len(paths), runtime.GOMAXPROCS(0)))
	for i := range packed {
		part := paths[i*len(paths)/len(packed) : (i+1)*len(paths)/len(packed)]
		wg.Go(func() { packed[i] = s.readLoose(part, each) })
	}
	wg.Wait()
	if rest := slices.Concat(packed...); len(rest) > few {
		_ = s.r.batch(rest, each) // [Snapshot.ReadFile] fails too, and says why
	}
}

// readLoose is [Snapshot.ReadEach] for what is in files of its own. It returns what
// is not.
func (s *Snapshot) readLoose(paths []string, each func(path string, content []byte)) (packed []File) {
	for _, path := range paths {
		f, ok := s.files[path]
		if !ok || f.Mode == Submodule || f.in != nil {
			continue
		}
		if content, ok := s.r.loose(f.Blob); ok {
			each(path, content)
			continue
		}
		packed = append(packed, f)
	}
	return packed
}

// batch asks one git command for many objects. It unpacks them in a third of the
// time that go-git takes, and beside this process.
func (r *Repo) batch(files []File, each func(path string, content []byte)) error {
	var names strings.Builder
	for _, f := range files {
		names.WriteString(f.Blob + "\n")
	}
	cmd := r.command([]byte(names.String()), "cat-file", "--batch", "--buffer")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	rd := bufio.NewReaderSize(out, 1<<16)
	for _, f := range files {
		content, err := nextBlob(rd, f.Blob)
		if err != nil {
			out.Close()
			_ = cmd.Wait() // it ends, since nobody reads on
			return err
		}
		each(f.Path, content)
	}
	return cmd.Wait()
}

// nextBlob reads what "git cat-file --batch" says about one blob: its name, type
// and size on a line, and its content with an end of line.
func nextBlob(rd *bufio.Reader, name string) ([]byte, error) {
	line, err := rd.ReadString('\n')
	if err != nil {
		return nil, err
	}
	digits, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), name+" blob ")
	size, err := strconv.Atoi(digits)
	if !ok || err != nil || size < 0 {
		return nil, fmt.Errorf("git cat-file: unexpected answer %q", line)
	}
	content := make([]byte, size+1)
	if _, err := io.ReadFull(rd, content); err != nil {
		return nil, err
	}
	return content[:size], nil
}
