package compare

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Bounds of what a header may say.
const (
	maxHeader = 1 << 20 // bytes
	maxDims   = 64
	maxItem   = 1 << 20 // bytes
)

// npyHeader says what is in an array file.
type npyHeader struct {
	descr   string // of the type: "<f4"; the text of a list if it is structured
	kind    byte   // 'f'; 0 if the items can only be compared as bytes
	size    int64  // of an item in bytes
	unit    string // of a date: "[ns]"
	big     bool   // big endian
	fortran bool   // the first index runs fastest
	shape   []int64
	items   int64
}

// readNpyHeader reads a header, and returns all the bytes that it has read, also
// if these are no header.
func readNpyHeader(r io.Reader) (*npyHeader, []byte, error) {
	var raw bytes.Buffer
	text, err := npyHeaderText(io.TeeReader(r, &raw))
	if err != nil {
		return nil, raw.Bytes(), err
	}
	h, err := parseNpyHeader(text)
	return h, raw.Bytes(), err
}

// npyHeaderText returns the dictionary in a header.
func npyHeaderText(r io.Reader) (string, error) {
	var b [12]byte
	if err := readExactly(r, b[:8]); err != nil {
		return "", err
	}
	if string(b[:6]) != "\x93NUMPY" || b[6] < 1 || b[6] > 3 || b[7] != 0 {
		return "", errFormat
	}
	length := b[8:10]
	if b[6] > 1 {
		length = b[8:12]
	}
	if err := readExactly(r, length); err != nil {
		return "", err
	}
	n := binary.LittleEndian.Uint32(b[8:]) // of version 1, the last two are 0
	if n > maxHeader {
		return "", errFormat
	}
	text := make([]byte, n)
	err := readExactly(r, text)
	return string(text), err
}

// readExactly fills b, and takes a stream that is too short for a wrong format.
func readExactly(r io.Reader, b []byte) error {
	n, err := readBlock(r, b)
	if err == nil && n < len(b) {
		err = errFormat
	}
	return err
}

// parseNpyHeader reads a dictionary like {'descr': '<f4', 'fortran_order':
// False, 'shape': (3, 4), }.
func parseNpyHeader(text string) (*npyHeader, error) {
	fields, ok := parseDict(text)
	if !ok || len(fields) != 3 {
		return nil, errFormat
	}
	h := &npyHeader{descr: fields["descr"]}
	switch fields["fortran_order"] {
	case "True":
		h.fortran = true
	case "False":
	default:
		return nil, errFormat
	}
	if h.shape, ok = parseShape(fields["shape"]); !ok {
		return nil, errFormat
	}
	if len(h.descr) > 2 && (h.descr[0] == '\'' || h.descr[0] == '"') {
		h.descr = h.descr[1 : len(h.descr)-1]
		h.parseType()
	} else if !strings.HasPrefix(h.descr, "[") && !strings.HasPrefix(h.descr, "(") {
		return nil, errFormat
	}
	h.items, ok = product(h.shape, h.size)
	if !ok {
		return nil, errFormat
	}
	if dims := h.shape; len(dims) < 2 {
		h.fortran = false // there is only one order
	}
	return h, nil
}

// parseDict returns the values of a dictionary, as they are written.
func parseDict(text string) (map[string]string, bool) {
	rest := strings.TrimSpace(text)
	if len(rest) < 2 || rest[0] != '{' || rest[len(rest)-1] != '}' {
		return nil, false
	}
	fields := map[string]string{}
	rest = strings.TrimSpace(rest[1 : len(rest)-1])
	for rest != "" {
		key, after, ok := strings.Cut(rest, ":")
		key = strings.TrimSpace(key)
		if !ok || len(key) < 2 || key[0] != '\'' && key[0] != '"' || key[len(key)-1] != key[0] {
			return nil, false
		}
		n := valueEnd(after)
		fields[key[1:len(key)-1]] = strings.TrimSpace(after[:n])
		rest = strings.TrimSpace(strings.TrimPrefix(after[n:], ","))
	}
	return fields, true
}

// valueEnd returns where a value ends: at a comma that is in no bracket and no
// string.
func valueEnd(s string) int {
	depth := 0
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ',' && depth <= 0:
			return i
		}
	}
	return len(s)
}

// parseShape reads "(3, 4)"; Python 2 wrote "(3L, 4L)".
func parseShape(s string) ([]int64, bool) {
	if len(s) < 2 || s[0] != '(' || s[len(s)-1] != ')' {
		return nil, false
	}
	s = strings.TrimSuffix(strings.TrimSpace(s[1:len(s)-1]), ",")
	var shape []int64
	if s == "" {
		return shape, true
	}
	for _, dim := range strings.Split(s, ",") {
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(dim), "L"), 10, 64)
		if err != nil || n < 0 || len(shape) == maxDims {
			return nil, false
		}
		shape = append(shape, n)
	}
	return shape, true
}

// parseType reads "<f4". What it does not know is left to be compared as bytes.
func (h *npyHeader) parseType() {
	order, rest := h.descr[0], h.descr[1:]
	if strings.IndexByte("<>|=", order) < 0 || rest == "" {
		return
	}
	digits, unit := cutDigits(rest[1:])
	size, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || size > maxItem {
		return
	}
	kind := rest[0]
	if sizes := itemSizes[kind]; sizes != nil && !slices.Contains(sizes, size) {
		return
	}
	switch kind {
	case 'M', 'm':
		h.unit = unit
	case 'U':
		size *= 4
		fallthrough
	case 'b', 'i', 'u', 'f', 'c', 'S', 'V':
		if unit != "" {
			return
		}
	default:
		return
	}
	h.kind, h.size, h.big = kind, size, order == '>'
}

// itemSizes are those that the kinds of numbers come in, in bytes; float128 is
// among them, though it is compared as bytes.
var itemSizes = map[byte][]int64{
	'b': {1}, 'i': {1, 2, 4, 8}, 'u': {1, 2, 4, 8}, 'f': {2, 4, 8}, 'c': {8, 16}, 'M': {8}, 'm': {8},
}

// product returns how many items there are; false if they have more bytes than
// an int64 counts.
func product(shape []int64, size int64) (int64, bool) {
	if slices.Contains(shape, 0) {
		return 0, true
	}
	n := uint64(1)
	for _, dim := range append([]int64{max(size, 1)}, shape...) {
		high, low := bits.Mul64(n, uint64(dim))
		if high != 0 || low > 1<<62 {
			return 0, false
		}
		n = low
	}
	return int64(n) / max(size, 1), true
}

// typeName names the type as NumPy does.
func (h *npyHeader) typeName() string {
	name := map[byte]string{'i': "int", 'u': "uint", 'f': "float", 'c': "complex"}[h.kind]
	switch {
	case name != "":
		return fmt.Sprintf("%s%d", name, 8*h.size)
	case h.kind == 'b':
		return "bool"
	case h.kind == 'M':
		return showPlain("datetime64" + h.unit)
	case h.kind == 'm':
		return showPlain("timedelta64" + h.unit)
	case h.descr == "|O":
		return "object"
	}
	return showPlain(strings.TrimLeft(h.descr, "<>|="))
}

// sameType says whether the items are of the same type, in whatever byte order.
func (h *npyHeader) sameType(g *npyHeader) bool {
	if h.kind == 0 || g.kind == 0 {
		return h.descr == g.descr
	}
	return h.kind == g.kind && h.size == g.size && h.unit == g.unit
}

// showShape writes a shape or an index with commas.
func showShape(shape []int64) string {
	parts := make([]string, len(shape))
	for i, n := range shape {
		parts[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(parts, ", ")
}

// tuple writes a shape as Python does.
func tuple(shape []int64) string {
	if len(shape) == 1 {
		return "(" + showShape(shape) + ",)"
	}
	return "(" + showShape(shape) + ")"
}

// index names the place of an item.
func (h *npyHeader) index(at int64) string {
	if len(h.shape) == 0 {
		return "the value"
	}
	index := make([]int64, len(h.shape))
	for k := range index {
		dim := k
		if !h.fortran {
			dim = len(index) - 1 - k // the last runs fastest
		}
		if n := h.shape[dim]; n > 0 {
			index[dim], at = at%n, at/n
		}
	}
	return "index [" + showShape(index) + "]"
}
