package compare

import (
	"archive/zip"
	"errors"
	"io"
)

// Bounds of an archive, in bytes.
const (
	maxDirectory = 8 << 20  // its list of members
	maxExpansion = 64 << 30 // what all members have more when they are unpacked
)

// compareNpz compares archives of arrays, member by member.
func compareNpz(t *tally, p *pair) error {
	want, err := openNpz(p.want)
	if err != nil {
		return err
	}
	got, err := openNpz(p.got)
	if err != nil {
		return err
	}
	if t.hint = want.hint(got); t.hint == "" {
		t.hint = "the layout of the zip?"
	}
	for _, f := range want.files {
		other := got.byName[f.Name]
		if other == nil {
			t.differ("array "+showName(f.Name, ",")+" is missing", "", "")
			continue
		}
		t.prefix = "array " + showName(f.Name, ",") + ", "
		if err := compareZipped(t, f, other); err != nil {
			return err
		}
		t.prefix = ""
	}
	for _, f := range got.files {
		if want.byName[f.Name] == nil {
			t.differ("array "+showName(f.Name, ",")+" is new", "", "")
		}
	}
	return nil
}

// archive is the list of members of a zip file.
type archive struct {
	files  []*zip.File
	byName map[string]*zip.File
}

// openNpz reads the list of members. Members that share their bytes, as in zip
// bombs, or have the same name, and sizes beyond all bounds are refused.
func openNpz(in *input) (*archive, error) {
	list := &bounded{in, maxDirectory}
	r, err := zip.NewReader(list, in.Size())
	if err != nil {
		return nil, formatError(err)
	}
	list.left = -1 // no bound any more
	a := &archive{r.File, map[string]*zip.File{}}
	var packed, unpacked uint64
	for _, f := range r.File {
		if a.byName[f.Name] != nil || f.CompressedSize64 > uint64(in.Size()) || f.UncompressedSize64 > 1<<62 {
			return nil, errFormat
		}
		a.byName[f.Name] = f
		packed += f.CompressedSize64
		if f.UncompressedSize64 > f.CompressedSize64 {
			unpacked += f.UncompressedSize64 - f.CompressedSize64
		}
		if packed > uint64(in.Size()) || unpacked > maxExpansion {
			return nil, errFormat
		}
	}
	return a, nil
}

// hint guesses what other than values there may be between two archives.
func (a *archive) hint(b *archive) string {
	for _, f := range a.files {
		g := b.byName[f.Name]
		switch {
		case g == nil:
		case f.Method != g.Method:
			return "zip compression?"
		case !f.Modified.Equal(g.Modified):
			return "zip time stamp?"
		}
	}
	return ""
}

// bounded is a file of which only so much may be read.
type bounded struct {
	*input
	left int64 // -1 for all
}

// ReadAt reads as long as it may.
func (b *bounded) ReadAt(p []byte, off int64) (int, error) {
	if b.left >= 0 {
		if b.left -= int64(len(p)); b.left < 0 {
			b.left = 0
			return 0, errFormat
		}
	}
	return b.input.ReadAt(p, off)
}

// formatError takes what the zip reader says for a wrong format: what could not
// be read is known to the input.
func formatError(err error) error {
	if err == nil {
		return nil
	}
	return errors.Join(errFormat, err)
}

// compareZipped compares two members.
func compareZipped(t *tally, want, got *zip.File) error {
	a, err := want.Open()
	if err != nil {
		return formatError(err)
	}
	defer a.Close()
	b, err := got.Open()
	if err != nil {
		return formatError(err)
	}
	defer b.Close()
	x, y := zipped(want, a), zipped(got, b)
	if err := compareArrays(t, x, y); err != nil {
		return formatError(err)
	}
	for _, r := range []io.Reader{x, y} { // to the end, where the checksum is checked
		if _, err := io.Copy(io.Discard, r); err != nil {
			return formatError(err)
		}
	}
	return nil
}

// zipped is a member as far as its size says.
func zipped(f *zip.File, r io.Reader) stream {
	size := int64(f.UncompressedSize64)
	return stream{io.LimitReader(r, size+1), size}
}
