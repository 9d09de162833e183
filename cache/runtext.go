package cache

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// An entry of the run cache is text:
//
//	xt-run 1
//	fingerprint HEX
//	out KIND SUM SIZE FILES "PATH" "TARGET"
//	end HEX
//
// with one line "out" for each output, and in the last line the digest of all
// before it.
const runHeader = "xt-run 1\n"

var kindWords = [...]string{hash.File: "file", hash.Executable: "exec", hash.Symlink: "link", hash.Directory: "dir"}

func encodeRun(fp hash.Fingerprint, outs []lock.Item) []byte {
	b := make([]byte, 0, 256+len(outs)*160)
	b = append(b, runHeader...)
	b = fmt.Appendf(b, "fingerprint %s\n", fp)
	for i := range outs {
		b = appendOut(b, &outs[i])
	}
	return fmt.Appendf(b, "end %s\n", hash.Bytes(b))
}

func appendOut(b []byte, out *lock.Item) []byte { return AppendItem(append(b, "out "...), out) }

// AppendItem appends an item as a line:
//
//	KIND SUM SIZE FILES "PATH" "TARGET"
func AppendItem(b []byte, it *lock.Item) []byte {
	return fmt.Appendf(b, "%s %s %d %d %+q %+q\n",
		kindWords[it.Kind], it.Sum, it.Size, it.Files, it.Path, it.Target)
}

// ParseRun reads an entry of the run cache for fp, as [Cache.RunText] returns it,
// and nothing else.
func ParseRun(fp hash.Fingerprint, b []byte) ([]lock.Item, error) {
	const endLen = len("end \n") + 2*hash.Size
	if len(b) < endLen {
		return nil, errors.New("cut short")
	}
	body, end := b[:len(b)-endLen], b[len(b)-endLen:]
	if string(end) != fmt.Sprintf("end %s\n", hash.Bytes(body)) {
		return nil, errors.New("its digest does not match")
	}
	lines, ok := bytes.CutPrefix(body, fmt.Appendf(nil, "%sfingerprint %s\n", runHeader, fp))
	if !ok {
		return nil, errors.New("of another version, or of another fingerprint")
	}
	var outs []lock.Item
	for line := range bytes.Lines(lines) {
		item, ok := bytes.CutPrefix(line, []byte("out "))
		if !ok {
			return nil, fmt.Errorf("line %.200q is not of an output", line)
		}
		out, err := ParseItem(item)
		if err != nil {
			return nil, err
		}
		outs = append(outs, out)
	}
	return outs, nil
}

// ParseItem reads a line that [AppendItem] wrote, and nothing else: another
// spelling, or a path that leads out of a project, is an error.
func ParseItem(line []byte) (lock.Item, error) {
	it, err := parseItem(string(line))
	if err == nil && !bytes.Equal(AppendItem(nil, &it), line) {
		err = fmt.Errorf("line %.200q is spelled oddly", line)
	}
	return it, err
}

func parseItem(line string) (it lock.Item, err error) {
	var fields [4]string
	rest := line
	for i := range fields {
		fields[i], rest, _ = strings.Cut(rest, " ")
	}
	if it.Kind = kindOf(fields[0]); it.Kind == 0 {
		return it, fmt.Errorf("unknown kind %.20q", fields[0])
	}
	if it.Sum, err = hash.ParseSum(fields[1]); err != nil {
		return it, err
	}
	if it.Size, err = parseCount(fields[2]); err != nil {
		return it, err
	}
	if it.Files, err = parseCount(fields[3]); err != nil {
		return it, err
	}
	if it.Path, rest, err = cutQuoted(rest); err != nil {
		return it, err
	}
	if it.Target, _, err = cutQuoted(strings.TrimPrefix(rest, " ")); err != nil {
		return it, err
	}
	return it, checkPath(it.Path)
}

func kindOf(word string) hash.Kind {
	for k, w := range kindWords {
		if w == word && w != "" {
			return hash.Kind(k)
		}
	}
	return 0
}

func parseCount(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("bad number %.30q", s)
	}
	return int64(n), nil
}

func cutQuoted(s string) (word, rest string, err error) {
	q, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", fmt.Errorf("bad quoted text %.40q", s)
	}
	word, err = strconv.Unquote(q)
	return word, s[len(q):], err
}

// checkPath refuses a path that is not a clean slash path below the root, or
// that leads into what git and xt keep for themselves.
func checkPath(p string) error {
	if p == "" || path.Clean(p) != p || path.IsAbs(p) {
		return fmt.Errorf("path %q is not a clean relative path", p)
	}
	for part := range strings.SplitSeq(p, "/") {
		if err := hash.CheckName(part); err != nil {
			return fmt.Errorf("path %q: %w", p, err)
		}
	}
	return nil
}
