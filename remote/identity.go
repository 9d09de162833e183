package remote

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
)

// The variables that hold the user's age keys, and the path of a file of them.
const (
	KeyVar     = "XT_AGE_KEY"
	KeyFileVar = "XT_AGE_KEY_FILE"
)

// KeyFile returns where the user's age keys are unless a variable says
// otherwise.
func KeyFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "xt", "age.key"), nil
}

// Identities returns the user's age keys: those in the variables of the
// environment, or else those in [KeyFile]. None is no error, and an empty
// variable is as good as none.
func Identities(lookup func(name string) (string, bool)) ([]age.Identity, error) {
	if text, _ := lookup(KeyVar); text != "" {
		return parseIdentities(KeyVar, strings.NewReader(text))
	}
	path, _ := lookup(KeyFileVar)
	named := path != ""
	if !named {
		var err error
		if path, err = KeyFile(); err != nil {
			return nil, nil
		}
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return nil, nil
	}
	if err != nil && named {
		return nil, fmt.Errorf("age keys: %s: %w", KeyFileVar, err)
	}
	if err != nil {
		return nil, fmt.Errorf("age keys: %w", err)
	}
	defer f.Close()
	return parseIdentities(path, f)
}

// parseIdentities never repeats what it read, since that is secret.
func parseIdentities(name string, r io.Reader) ([]age.Identity, error) {
	ids, err := age.ParseIdentities(r)
	if err != nil {
		return nil, fmt.Errorf("%s holds no age keys, which begin with AGE-SECRET-KEY-", name)
	}
	return ids, nil
}

// GenerateKey makes an age key in the file at path, which must not be there, and
// returns the public key, to be put into recipients.
func GenerateKey(path string) (recipient string, err error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(f, "# public key: %s\n%s\n", id.Recipient(), id)
	return id.Recipient().String(), errors.Join(err, f.Close())
}

// CheckRecipient reports why a word is no age key to encrypt to.
func CheckRecipient(word string) error {
	if strings.HasPrefix(strings.ToUpper(word), "AGE-SECRET-KEY-") {
		return errors.New("this is a secret key, which must never be in git; a recipient is the public key, age1…")
	}
	list, err := age.ParseRecipients(strings.NewReader(word))
	if err != nil || len(list) != 1 || slices.Contains([]string{"", "#"}, word[:min(1, len(word))]) {
		return errors.New("this is no age public key, which begins with age1")
	}
	return nil
}
