package attest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/xtrepro/xt/internal/sshagent"
)

// Key signs statements. It implements dsse.Signer.
type Key struct {
	signer ssh.Signer
	agent  *sshagent.Agent // nil if the key is in a file
}

// KeyError says why a key cannot be had.
type KeyError struct {
	Name string // as it was given: a file, or the text of a public key
	Msg  string
	Hint string
}

func (e *KeyError) Error() string { return fmt.Sprintf("signing key %s: %s", e.Name, e.Msg) }

// Hints returns what to do about it.
func (e *KeyError) Hints() []string { return []string{e.Hint} }

// OpenKey returns the key that name means, as git does in user.signingkey: the
// file of a private key in a format of OpenSSH or as PKCS #8, or a public one,
// in a file or as text, whose private key an SSH agent has, which listens on
// socket. A private key with a passphrase is looked for there too. Errors are of
// the type [*KeyError]. The key is to be closed.
func OpenKey(name, socket string) (*Key, error) {
	text := []byte(strings.TrimPrefix(name, "key::"))
	if pub, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		return agentKey(name, pub, socket)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, &KeyError{Name: name, Msg: errors.Unwrap(err).Error(), Hint: "ssh-keygen -t ed25519 makes a key"}
	}
	if pub, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		return agentKey(name, pub, socket)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if locked := new(ssh.PassphraseMissingError); errors.As(err, &locked) {
		return lockedKey(name, locked.PublicKey, socket)
	}
	if err != nil {
		return nil, &KeyError{Name: name, Msg: "this is no key that OpenSSH could read", Hint: "ssh-keygen -t ed25519 makes a key"}
	}
	return &Key{signer: signer}, nil
}

// lockedKey finds a key with a passphrase in the agent.
func lockedKey(name string, pub ssh.PublicKey, socket string) (*Key, error) {
	if pub == nil {
		text, err := os.ReadFile(name + ".pub")
		if err == nil {
			pub, _, _, _, err = ssh.ParseAuthorizedKey(text)
		}
		if err != nil {
			return nil, &KeyError{Name: name, Msg: "it is locked with a passphrase, and there is no " + name + ".pub to find it in an SSH agent by"}
		}
	}
	k, err := agentKey(name, pub, socket)
	if e := new(KeyError); errors.As(err, &e) {
		e.Msg, e.Hint = "it is locked with a passphrase, and "+e.Msg, "ssh-add "+name
	}
	return k, err
}

func agentKey(name string, pub ssh.PublicKey, socket string) (*Key, error) {
	a, err := sshagent.Open(socket)
	if err != nil {
		return nil, &KeyError{Name: name, Msg: err.Error(), Hint: "start one, and ssh-add the private key"}
	}
	signers, err := a.Signers()
	if err != nil {
		a.Close()
		return nil, &KeyError{Name: name, Msg: "the SSH agent does not answer: " + err.Error()}
	}
	for _, s := range signers {
		if string(s.PublicKey().Marshal()) == string(pub.Marshal()) {
			return &Key{s, a}, nil
		}
	}
	a.Close()
	return nil, &KeyError{Name: name, Msg: "the SSH agent does not have it", Hint: "ssh-add the private key"}
}

// Close ends the connection to the agent, if there is one.
func (k *Key) Close() error {
	if k.agent == nil {
		return nil
	}
	return k.agent.Close()
}

// KeyID returns the fingerprint of the key, as "ssh-keygen -l" prints it.
func (k *Key) KeyID() (string, error) { return ssh.FingerprintSHA256(k.signer.PublicKey()), nil }

// Sign returns the signature of data: 64 bytes with an ed25519 key, as anything
// that reads DSSE expects; with another one the signature of RFC 4253, section
// 6.6, which says which algorithm it is of.
func (k *Key) Sign(_ context.Context, data []byte) ([]byte, error) {
	var sig *ssh.Signature
	var err error
	if s, ok := k.signer.(ssh.AlgorithmSigner); ok && k.signer.PublicKey().Type() == ssh.KeyAlgoRSA {
		sig, err = s.SignWithAlgorithm(rand.Reader, data, ssh.KeyAlgoRSASHA512)
	} else {
		sig, err = k.signer.Sign(rand.Reader, data)
	}
	if err != nil {
		return nil, fmt.Errorf("sign with %s: %w", ssh.FingerprintSHA256(k.signer.PublicKey()), err)
	}
	if sig.Format == ssh.KeyAlgoED25519 {
		return sig.Blob, nil
	}
	return ssh.Marshal(sig), nil
}

// verify checks a signature that [Key.Sign] made.
func verify(key ssh.PublicKey, data, sig []byte) error {
	if key.Type() == ssh.KeyAlgoED25519 {
		return key.Verify(data, &ssh.Signature{Format: ssh.KeyAlgoED25519, Blob: sig})
	}
	var s ssh.Signature
	if err := ssh.Unmarshal(sig, &s); err != nil {
		return err
	}
	if s.Format == ssh.KeyAlgoRSA {
		return errors.New("a signature with SHA-1 is worth nothing")
	}
	return key.Verify(data, &s)
}
