package remote

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
)

// cutting is a big file, or a long listing, that is sent in chunks.
type cutting struct {
	kind  pack.Kind // of its recipe
	sum   hash.Sum
	path  string
	whole *hash.Stream // of all that was read
	parts []pack.Part  // filled in as the chunks are placed
}

// chunkReader cuts one thing after the other.
type chunkReader struct {
	u       *upload
	chunker *pack.Chunker
}

// chunkBuffers holds *[]byte with room for a chunk.
var chunkBuffers = sync.Pool{New: func() any { b := make([]byte, pack.MaxChunk); return &b }}

// cut passes on the chunks of what r yields, and then its recipe.
func (k *chunkReader) cut(ctx context.Context, c *cutting, r io.Reader) error {
	r = io.TeeReader(r, c.whole)
	if k.chunker == nil {
		var err error
		if k.chunker, err = pack.NewChunker(r); err != nil {
			return err
		}
	} else {
		k.chunker.Reset(r)
	}
	for {
		data, err := k.chunker.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		buf := chunkBuffers.Get().(*[]byte)
		b := &blob{kind: pack.Data, path: c.path, cut: c, content: (*buf)[:copy(*buf, data)]}
		b.free = func() { chunkBuffers.Put(buf) }
		if err := k.u.pass(ctx, b); err != nil {
			return err
		}
	}
	return k.finish(ctx, c)
}

func (k *chunkReader) cutBytes(ctx context.Context, c *cutting, text []byte) error {
	return k.cut(ctx, c, bytes.NewReader(text))
}

// finish passes the end of something on: what belongs into the recipe is known
// when all chunks have been placed.
func (k *chunkReader) finish(ctx context.Context, c *cutting) error {
	is := c.whole.Sum()
	return k.u.pass(ctx, &blob{after: func(ctx context.Context) error {
		if is != c.sum {
			return k.u.drop(&blob{kind: pack.Data, sum: c.sum, path: c.path, err: k.u.spoiled(ctx, c.sum)})
		}
		return k.u.placeRecipe(ctx, c)
	}})
}

// placeRecipe puts the recipe of something whose chunks are all placed into a
// pack.
func (u *upload) placeRecipe(ctx context.Context, c *cutting) error {
	if u.bad[c.sum] {
		return nil
	}
	r := &pack.Recipe{Parts: c.parts}
	if len(c.parts) > pack.MaxParts {
		r = &pack.Recipe{Pieces: true}
		for parts := range chunked(c.parts, pack.MaxParts) {
			piece := &pack.Recipe{Parts: parts}
			content := piece.Encode()
			b := u.meta(pack.Piece, hash.Bytes(content), content)
			if err := u.place(ctx, b); err != nil {
				return err
			}
			r.Parts = append(r.Parts, pack.Part{Sum: b.sum, Size: piece.Size()})
		}
	}
	b := u.meta(c.kind, c.sum, r.Encode())
	b.path, b.cut = c.path, c
	return u.place(ctx, b)
}

// meta returns a blob that is ready to be placed.
func (u *upload) meta(kind pack.Kind, sum hash.Sum, content []byte) *blob {
	raw := pack.Raw(kind, content)
	return &blob{kind: kind, sum: sum, content: content, stored: pack.Compress(nil, raw), raw: len(raw)}
}
