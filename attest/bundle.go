package attest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/xtrepro/xt/internal/atomicfile"
	"github.com/xtrepro/xt/lock"
)

// payloadType is what envelopes of in-toto's statements say they hold.
const payloadType = "application/vnd.in-toto+json"

// maxBundle is how long a bundle may be, in bytes, so that a hostile one does
// not fill the memory.
const maxBundle = 16 << 20

// Sign puts a statement into an envelope.
func Sign(ctx context.Context, s *intoto.Statement, k *Key) (*dsse.Envelope, error) {
	payload, err := protojson.Marshal(s)
	if err != nil {
		return nil, err
	}
	signer, err := dsse.NewEnvelopeSigner(k)
	if err != nil {
		return nil, err
	}
	return signer.SignPayload(ctx, payloadType, payload)
}

// FileName returns the name of a stage's bundle.
func FileName(stage string) string { return url.PathEscape(stage) + ".intoto.jsonl" }

// Bundle is the evidence about one stage: envelopes, one on a line.
type Bundle struct {
	lines []line
}

type line struct {
	text     []byte
	envelope *dsse.Envelope // nil if the line is none
	claim    *claim         // nil if it is not known what it says
	err      error          // why
}

// ErrTooLarge says that a bundle is longer than any that xt writes.
var ErrTooLarge = errors.New("it is too large for a bundle of attestations")

// ReadBundle reads a bundle. A file that is not there is an empty one. What
// stands in it is not to be believed before [Bundle.Check].
func ReadBundle(name string) (*Bundle, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &Bundle{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxBundle+1))
	if err == nil && len(text) > maxBundle {
		err = ErrTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return ParseBundle(text), nil
}

// ParseBundle reads the text of a bundle. A line that is no envelope is kept, and
// proves nothing.
func ParseBundle(text []byte) *Bundle {
	b := &Bundle{}
	for l := range bytes.Lines(text) {
		if l = bytes.TrimSpace(l); len(l) > 0 {
			b.lines = append(b.lines, parseLine(bytes.Clone(l)))
		}
	}
	return b
}

func parseLine(text []byte) line {
	l := line{text: text}
	var e dsse.Envelope
	if l.err = json.Unmarshal(text, &e); l.err != nil {
		l.err = fmt.Errorf("this is no envelope of DSSE: %w", l.err)
		return l
	}
	l.envelope = &e
	if e.PayloadType != payloadType {
		l.err = fmt.Errorf("its payload is %q, and no statement of in-toto", e.PayloadType)
		return l
	}
	payload, err := e.DecodeB64Payload()
	if err == nil {
		l.claim, err = readClaim(payload)
	}
	l.err = err
	return l
}

// Add puts an envelope with a statement about an entry of xt.lock into the
// bundle. What xt stated about other entries of the stage goes, and so does what
// the same key stated of the same sort before: git has it.
func (b *Bundle) Add(e *lock.Stage, envelope *dsse.Envelope) error {
	text, err := json.Marshal(envelope)
	if err != nil {
		return err
	}
	added := parseLine(text)
	if added.err != nil {
		return added.err
	}
	var kept []line
	for _, l := range b.lines {
		if l.claim == nil || !l.claim.ours() || l.claim.about(e) && !l.sameAs(&added) {
			kept = append(kept, l)
		}
	}
	b.lines = append(kept, added)
	return nil
}

// sameAs reports whether two lines are of one sort, and by the same keys.
func (l *line) sameAs(m *line) bool {
	if l.claim.kind != m.claim.kind || len(l.envelope.Signatures) != len(m.envelope.Signatures) {
		return false
	}
	for i, s := range l.envelope.Signatures {
		if s.KeyID != m.envelope.Signatures[i].KeyID {
			return false
		}
	}
	return true
}

// Write writes the bundle to a file, whose directory it makes.
func (b *Bundle) Write(name string) error {
	var text []byte
	for _, l := range b.lines {
		text = append(append(text, l.text...), '\n')
	}
	if len(text) > maxBundle {
		return fmt.Errorf("write %s: %w", name, ErrTooLarge)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	return atomicfile.Write(name, text, 0o666)
}
