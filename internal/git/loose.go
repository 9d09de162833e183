package git

import (
	"bytes"
	"compress/zlib"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

var inflaters = sync.Pool{New: func() any { return new(inflater) }}

// inflater is what reading one object after the other need not make anew.
type inflater struct {
	zlib   io.ReadCloser
	packed bytes.Reader
}

// loose returns the content of a blob that is in a file of its own, as most are
// that were added of late. It is what go-git does, at a third of the cost. ok is
// false for what is packed, elsewhere, or no blob.
func (r *Repo) loose(name string) (content []byte, ok bool) {
	if len(name) < 40 {
		return nil, false
	}
	b, err := os.ReadFile(filepath.Join(r.Common, "objects", name[:2], name[2:]))
	if err != nil {
		return nil, false
	}
	in := inflaters.Get().(*inflater)
	defer inflaters.Put(in)
	in.packed.Reset(b)
	if in.zlib == nil {
		in.zlib, err = zlib.NewReader(&in.packed)
	} else {
		err = in.zlib.(zlib.Resetter).Reset(&in.packed, nil)
	}
	if err != nil {
		return nil, false
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(in.zlib); err != nil {
		return nil, false
	}
	head, content, ok := bytes.Cut(text.Bytes(), []byte{0})
	ok = ok && string(head) == "blob "+strconv.Itoa(len(content))
	return content, ok
}
