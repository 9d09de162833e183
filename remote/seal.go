package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/xtrepro/xt/hash"
)

// keys encrypt and decrypt all that an encrypted remote holds, as files of age
// (age-encryption.org/v1). There is one identity for the whole remote, which
// xt-remote has, encrypted to the recipients: so who may read it can be changed
// without writing everything anew.
type keys struct {
	recipient age.Recipient
	identity  *age.X25519Identity
}

// writeKey appends the recipients, and the identity of the remote encrypted to
// them, to what b has of xt-remote.
func writeKey(b *bytes.Buffer, recipients []string, identity *age.X25519Identity) error {
	for _, word := range recipients {
		fmt.Fprintf(b, "recipient %s\n", word)
	}
	to, err := age.ParseRecipients(strings.NewReader(strings.Join(recipients, "\n")))
	if err != nil {
		return fmt.Errorf("recipients of the remote: %w", err)
	}
	b.WriteByte('\n')
	a := armor.NewWriter(b)
	w, err := age.Encrypt(a, to...)
	if err != nil {
		return fmt.Errorf("encrypt the key of the remote: %w", err)
	}
	if _, err := io.WriteString(w, identity.String()+"\n"); err != nil {
		return err
	}
	return errors.Join(w.Close(), a.Close())
}

// openKeys decrypts the identity of the remote with one of the user's.
func (r *Remote) openKeys(armored string) (*keys, error) {
	var mine []age.Identity
	if r.opts.Identities != nil {
		var err error
		if mine, err = r.opts.Identities(); err != nil {
			return nil, err
		}
	}
	if len(mine) == 0 {
		return nil, &KeyError{Name: r.opts.Name}
	}
	src, err := age.Decrypt(armor.NewReader(strings.NewReader(armored)), mine...)
	if no := (*age.NoIdentityMatchError)(nil); errors.As(err, &no) {
		return nil, &KeyError{Name: r.opts.Name, Tried: len(mine)}
	}
	var text []byte
	if err == nil {
		text, err = io.ReadAll(io.LimitReader(src, 4096))
	}
	if err != nil {
		return nil, fmt.Errorf("remote %s: its key cannot be read: %w", r.opts.Name, err)
	}
	id, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("remote %s: its key cannot be read: %w", r.opts.Name, err)
	}
	return &keys{id.Recipient(), id}, nil
}

// KeyError says that the user has no key to an encrypted remote.
type KeyError struct {
	Name  string
	Tried int // how many keys the user has
}

// Error says which remote it is.
func (e *KeyError) Error() string {
	if e.Tried == 0 {
		return fmt.Sprintf("remote %s is encrypted, and there is no age key to open it with", e.Name)
	}
	return fmt.Sprintf("remote %s is encrypted, and no age key of yours opens it", e.Name)
}

// Hints says where keys are looked for.
func (e *KeyError) Hints() []string {
	return []string{"put the key into XT_AGE_KEY, the path of its file into XT_AGE_KEY_FILE, or ask somebody who has access to add your public key to recipients in xt.toml and to push; \"xt remote keygen\" makes a key"}
}

// pin compares the key of the remote with the one that it had when it was last
// used from here. Whoever may write to the store could put another key into
// xt-remote, encrypted to everybody's public keys, and read what is sent from
// then on.
func (r *Remote) pin() error {
	address := hash.Bytes([]byte(r.opts.Address))
	path := filepath.Join(r.opts.Dir, "pins", address.String())
	key := r.keys.identity.Recipient().String()
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return keepFile(path, []byte(key))
	case err != nil:
		return err
	case string(b) != key:
		return &KeyChangedError{Name: r.opts.Name, Pin: path}
	}
	return nil
}

// KeyChangedError says that an encrypted remote has another key than before.
type KeyChangedError struct {
	Name string
	Pin  string // the file that has the former one
}

// Error says which remote it is.
func (e *KeyChangedError) Error() string {
	return fmt.Sprintf("remote %s has another key than when it was last used from here", e.Name)
}

// Hints says what it may mean.
func (e *KeyChangedError) Hints() []string {
	return []string{"somebody may have put it there to read what you send: ask those who use the remote whether it was made anew; if it was, delete " + e.Pin}
}

func (k *keys) seal(b []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(b) + len(b)/sealedChunk*16 + 1024)
	w, err := age.Encrypt(&out, k.recipient)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return out.Bytes(), nil
}

func (k *keys) open(b []byte) ([]byte, error) {
	src, err := age.Decrypt(bytes.NewReader(b), k.identity)
	if err != nil {
		return nil, err
	}
	out := bytes.NewBuffer(make([]byte, 0, len(b)))
	_, err = io.Copy(out, src)
	return out.Bytes(), err
}

// The payload of a file of age: after the header and a nonce, chunks of 64 KiB,
// each with 16 bytes more than what it was made of.
const (
	sealedChunk = 64 << 10
	sealedExtra = 16
	sealedNonce = 16
)

// maxSealedHeader is more than the header of a file with one recipient has.
const maxSealedHeader = 1024
