package remote

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/xtrepro/xt/hash"
)

// A doom is a text that names packs which are to be deleted, or were: nobody may
// count on what they hold.
//
//	xt-doomed 1
//	HEX
//
// with a line for each pack. When it was written is what the store says.
const doomHeader = "xt-doomed 1\n"

func encodeDoom(packs []hash.Sum) []byte {
	b := []byte(doomHeader)
	for _, sum := range packs {
		b = fmt.Appendf(b, "%s\n", sum)
	}
	return b
}

func parseDoom(b []byte) ([]hash.Sum, error) {
	rest, ok := bytes.CutPrefix(b, []byte(doomHeader))
	if !ok {
		return nil, fmt.Errorf("want the first line %q", strings.TrimSpace(doomHeader))
	}
	var packs []hash.Sum
	for line := range bytes.Lines(rest) {
		sum, err := hash.ParseSum(strings.TrimSuffix(string(line), "\n"))
		if err != nil {
			return nil, err
		}
		packs = append(packs, sum)
	}
	return packs, nil
}

const maxDoom = 256 << 20

func (r *Remote) readDoom(ctx context.Context, n note) ([]hash.Sum, error) {
	b, err := r.readNote(ctx, n, maxDoom)
	if err != nil {
		return nil, err
	}
	packs, err := parseDoom(b)
	if err != nil {
		return nil, fmt.Errorf("remote %s: %s: %w", r.opts.Name, n.key, err)
	}
	return packs, nil
}
