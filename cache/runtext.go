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

func appendOut(b []byte, out *lock.Item) []byte {
	return fmt.Appendf(b, "out %s %s %d %d %+q %+q\n",
		kindWords[out.Kind], out.Sum, out.Size, out.Files, out.Path, out.Target)
}

// parseRun reads what encodeRun wrote for fp, and nothing else.
func parseRun(fp hash.Fingerprint, b []byte) ([]lock.Item, error) {
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
		out, err := parseOut(string(line))
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(appendOut(nil, &out), line) {
			return nil, fmt.Errorf("line %.200q is spelled oddly", line)
		}
		outs = append(outs, out)
	}
	return outs, nil
}

func parseOut(line string) (out lock.Item, err error) {
	var fields [5]string
	rest := line
	for i := range fields {
		fields[i], rest, _ = strings.Cut(rest, " ")
	}
	if out.Kind = kindOf(fields[1]); out.Kind == 0 {
		return out, fmt.Errorf("unknown kind %.20q", fields[1])
	}
	if out.Sum, err = hash.ParseSum(fields[2]); err != nil {
		return out, err
	}
	if out.Size, err = parseCount(fields[3]); err != nil {
		return out, err
	}
	if out.Files, err = parseCount(fields[4]); err != nil {
		return out, err
	}
	if out.Path, rest, err = cutQuoted(rest); err != nil {
		return out, err
	}
	if out.Target, _, err = cutQuoted(strings.TrimPrefix(rest, " ")); err != nil {
		return out, err
	}
	return out, checkPath(out.Path)
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
