// Package remote keeps what a cache holds on a blob store, in packs of chunks:
// push, fetch, garbage collection and checks.
//
// # Layout
//
//	xt-remote              the format's version, and the key of an encrypted remote
//	meta/index-DIGEST      tables: which blob is where
//	meta/roots-NAME-DIGEST what a clone of a project needs
//	meta/doomed-DIGEST     packs that are to be deleted, or were
//	packs/ab/cdef…         blobs
//
// Everything but xt-remote is named by the digest of its bytes and never
// changes, so that nobody needs a lock: see docs/remote-format.md.
//
// # What survives what
//
// A pack is written before the table that names it, and a table before those
// that it replaces are deleted. A tree or recipe gets into a table only together
// with, or after, all that it names: one that is there is complete.
//
// Who pushes first writes down what the project needs (the roots), and only then
// looks at what is there; who deletes first dooms packs, and at least a grace
// time later looks once more at what is needed. So whatever a push counts on
// stays, however long it takes.
package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"filippo.io/age"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/remote/pack"
	"github.com/xtrepro/xt/remote/store"
)

// Options are the settings of a [Remote].
type Options struct {
	Name    string // what the user calls it
	Address string // where it is
	// Dir is a local folder for what need not be asked of the remote again.
	Dir string
	// Recipients are the age keys, "age1…", to which a remote is encrypted:
	// whoever has the identity of one can use it. None: it is made without
	// encryption, and left as it is where it is there.
	Recipients []string
	// Identities returns the user's own age keys; called for an encrypted remote.
	Identities func() ([]age.Identity, error)
	// Jobs is how many packs are sent or read at a time; 0 for 4.
	Jobs int
	// Log, if not nil, is told of what takes long or is tried again.
	Log func(format string, args ...any)
}

// Remote is a store that is open. Its methods may not be called concurrently.
type Remote struct {
	opts  Options
	store store.Store
	id    string
	keys  *keys // nil where it is not encrypted

	recipients []string // to which the key of the remote is encrypted
}

// configKey is where a remote says what it is.
const configKey = "xt-remote"

// maxConfig bounds in bytes what is read of it.
const maxConfig = 1 << 20

// ErrEmpty says that there is no remote at an address yet.
var ErrEmpty = errors.New("nothing has been pushed there yet")

// Open opens the remote in a store. The error wraps [ErrEmpty] if there is none
// yet. The Remote takes the store over, and closes it also after an error.
func Open(ctx context.Context, st store.Store, opts Options) (*Remote, error) {
	if opts.Jobs <= 0 {
		opts.Jobs = 4
	}
	r := &Remote{opts: opts, store: st}
	text, err := r.readWhole(ctx, configKey, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("remote %s: %w", opts.Name, ErrEmpty)
	}
	if err == nil {
		err = r.configure(text)
	}
	if err != nil {
		st.Close()
		return nil, err
	}
	return r, nil
}

// Create opens the remote in a store, and makes it if there is none.
func Create(ctx context.Context, st store.Store, opts Options) (*Remote, error) {
	for {
		r, err := Open(ctx, unclosed{st}, opts)
		if errors.Is(err, ErrEmpty) {
			err = writeConfig(ctx, st, opts)
			if err == nil || errors.Is(err, fs.ErrExist) {
				continue // somebody else's, where two made it at the same time
			}
		}
		if err != nil {
			st.Close()
			return nil, err
		}
		r.store = st
		return r, nil
	}
}

// unclosed is a store that stays open.
type unclosed struct{ store.Store }

func (unclosed) Close() error { return nil }

// Close gives up the connection.
func (r *Remote) Close() error { return r.store.Close() }

// Name returns what the user calls the remote.
func (r *Remote) Name() string { return r.opts.Name }

// Encrypted reports whether the remote is encrypted.
func (r *Remote) Encrypted() bool { return r.keys != nil }

// The first line of xt-remote. Lines of "key value" follow, up to an empty line,
// and then the key in an encrypted remote.
const configHeader = "xt-remote "

func writeConfig(ctx context.Context, st store.Store, opts Options) error {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails
	var identity *age.X25519Identity
	if len(opts.Recipients) > 0 {
		var err error
		if identity, err = age.GenerateX25519Identity(); err != nil {
			return err
		}
	}
	text, err := encodeConfig(hex.EncodeToString(random), opts.Recipients, identity)
	if err != nil {
		return err
	}
	return st.Create(ctx, configKey, text)
}

// encodeConfig returns the text of xt-remote; identity is the remote's own, nil
// where it is not encrypted.
func encodeConfig(id string, recipients []string, identity *age.X25519Identity) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s%d\nid %s\n", configHeader, pack.Version, id)
	if identity == nil {
		return b.Bytes(), nil
	}
	err := writeKey(&b, recipients, identity)
	return b.Bytes(), err
}

// configure reads xt-remote.
func (r *Remote) configure(text []byte) error {
	head, armored, _ := strings.Cut(string(text), "\n\n")
	lines := strings.Split(strings.TrimSuffix(head, "\n"), "\n")
	word, ok := strings.CutPrefix(lines[0], configHeader)
	version, err := strconv.Atoi(word)
	if !ok || err != nil || version < 1 {
		return fmt.Errorf("remote %s: its file %s was not written by xt", r.opts.Name, configKey)
	}
	if version > pack.Version {
		return &pack.VersionError{What: "remote " + r.opts.Name, Version: version}
	}
	for _, line := range lines[1:] {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "id":
			r.id = value
		case "recipient":
			r.recipients = append(r.recipients, value)
		}
	}
	if b, err := hex.DecodeString(r.id); err != nil || len(b) != 16 {
		return fmt.Errorf("remote %s: its file %s has no id", r.opts.Name, configKey)
	}
	if len(r.recipients) == 0 {
		if len(r.opts.Recipients) > 0 {
			return &PlainError{Name: r.opts.Name}
		}
		return nil
	}
	if r.keys, err = r.openKeys(armored); err != nil {
		return err
	}
	return r.pin()
}

// admit encrypts the key of the remote to the recipients of xt.toml where these
// are no longer those that can open it.
func (r *Remote) admit(ctx context.Context) error {
	want := slices.Compact(slices.Sorted(slices.Values(r.opts.Recipients)))
	if r.keys == nil || len(want) == 0 || slices.Equal(want, slices.Sorted(slices.Values(r.recipients))) {
		return nil
	}
	text, err := encodeConfig(r.id, want, r.keys.identity)
	if err == nil {
		err = r.store.Put(ctx, configKey, text)
	}
	if err != nil {
		return err
	}
	r.recipients = want
	r.logf("remote %s can now be opened by %d keys", r.opts.Name, len(want))
	return nil
}

// PlainError says that a remote is not encrypted although it should be.
type PlainError struct{ Name string }

// Error says which remote it is.
func (e *PlainError) Error() string {
	return fmt.Sprintf("remote %s is not encrypted, but xt.toml has recipients for it", e.Name)
}

// Hints says what to do.
func (e *PlainError) Hints() []string {
	return []string{"give it an address where nothing has been pushed yet, or take the recipients out of xt.toml"}
}

// local returns the path of something that is remembered of the remote.
func (r *Remote) local(elem ...string) string {
	return filepath.Join(append([]string{r.opts.Dir, r.id}, elem...)...)
}

func (r *Remote) logf(format string, args ...any) {
	if r.opts.Log != nil {
		r.opts.Log(format, args...)
	}
}

// readWhole reads a small blob as the store has it.
func (r *Remote) readWhole(ctx context.Context, key string, most int64) ([]byte, error) {
	info, err := r.store.Stat(ctx, key)
	if e := (*store.Error)(nil); errors.As(err, &e) && e.Kind == store.Denied {
		// The answer to a HEAD has no body that could say why.
		if readErr := r.store.Read(ctx, key, 0, make([]byte, 1)); readErr != nil {
			err = readErr
		}
	}
	if err != nil {
		return nil, err
	}
	return r.readSized(ctx, key, info.Size, most)
}

// readSized reads a blob of a known size.
func (r *Remote) readSized(ctx context.Context, key string, size, most int64) ([]byte, error) {
	if size < 0 || size > most {
		return nil, fmt.Errorf("remote %s: %s has %d bytes, which is more than it can have", r.opts.Name, key, size)
	}
	b := make([]byte, size)
	if err := r.store.Read(ctx, key, 0, b); err != nil {
		return nil, err
	}
	return b, nil
}

// readNamed reads a blob whose name ends in the digest of its bytes, and opens
// it where the remote is encrypted.
func (r *Remote) readNamed(ctx context.Context, key string, size, most int64, sum hash.Sum) ([]byte, error) {
	b, err := r.readSized(ctx, key, size, most)
	if err == nil && hash.Bytes(b) != sum {
		// Perhaps on the way only.
		b, err = r.readSized(ctx, key, size, most)
	}
	if err != nil {
		return nil, err
	}
	if hash.Bytes(b) != sum {
		return nil, &DamagedError{Remote: r.opts.Name, What: key}
	}
	if r.keys != nil {
		if b, err = r.keys.open(b); err != nil {
			return nil, fmt.Errorf("remote %s: decrypt %s: %w", r.opts.Name, key, err)
		}
	}
	return b, nil
}

// seal returns what is to be stored in place of b, and its digest.
func (r *Remote) seal(b []byte) ([]byte, hash.Sum, error) {
	if r.keys != nil {
		var err error
		if b, err = r.keys.seal(b); err != nil {
			return nil, hash.Sum{}, err
		}
	}
	return b, hash.Bytes(b), nil
}

// DamagedError says that something on a remote is not what its name says.
type DamagedError struct {
	Remote string
	What   string // a key of the store, or an object
	Gone   bool   // it is not there at all
	Err    error  // what showed it; nil if there is nothing more to say
}

// Unwrap returns what showed the damage.
func (e *DamagedError) Unwrap() error { return e.Err }

// Error says what is damaged.
func (e *DamagedError) Error() string {
	if e.Gone {
		return fmt.Sprintf("%s is missing on remote %s, whose index names it", e.What, e.Remote)
	}
	return fmt.Sprintf("%s on remote %s is damaged", e.What, e.Remote)
}

// Hints says how to mend it.
func (e *DamagedError) Hints() []string {
	return []string{"\"xt fsck --remote --repair\", where the data is still in a cache, mends it"}
}
