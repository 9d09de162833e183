package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Schemes is the beginnings of the addresses that [Open] knows.
var Schemes = []string{"s3", "azblob", "gs", "sftp", "file"}

// contentType is what objects are to a store.
const contentType = "application/octet-stream"

// Check reports what is wrong with an address, without going there. The error
// is an [*Error], and does not repeat what may be a secret.
func Check(rawURL string) error {
	_, err := parse(rawURL)
	if err != nil {
		return &Error{Op: "open", URL: "the remote", Err: err}
	}
	return nil
}

// Open opens the store at an address: s3://bucket/prefix, azblob://container/prefix,
// gs://bucket/prefix, sftp://user@host:port/path, sftp://host/~/path or
// file:///path. Parameters are spelled as gocloud does. It goes to the server
// at the first use only, and nothing is made there before the first write.
func Open(ctx context.Context, rawURL string, opts Options) (Store, error) {
	u, err := parse(rawURL)
	if err != nil {
		return nil, &Error{Op: "open", URL: "the remote", Err: err}
	}
	shown := (&url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host, Path: strings.TrimSuffix(u.Path, "/")}).String()
	d, err := openDriver(ctx, u, opts)
	if err != nil {
		return nil, explain(ctx, shown, "open", "", err)
	}
	if t, ok := d.(*tree); ok {
		t.foreign = opts.Foreign
	}
	s := newRetrying(d, shown, opts)
	if sweeper, ok := d.(sweeper); ok {
		return &sweeping{retrying: s, sweeper: sweeper}, nil
	}
	return s, nil
}

func openDriver(ctx context.Context, u *url.URL, opts Options) (driver, error) {
	w := newWire(opts)
	switch u.Scheme {
	case "s3":
		return openS3(ctx, u, w)
	case "azblob":
		return openAzure(ctx, u, w)
	case "gs":
		return openGCS(ctx, u, w)
	case "sftp":
		return openSFTP(u, w, opts)
	}
	return openFile(u, w), nil
}

// parse takes an address apart and checks all that can be checked.
func parse(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("this is no address")
	}
	params := map[string][]string{"s3": s3Params, "azblob": azureParams, "gs": gcsParams, "sftp": sftpParams, "file": nil}
	known, ok := params[u.Scheme]
	switch {
	case !ok:
		return nil, fmt.Errorf("unknown store %q; known are %s", u.Scheme, strings.Join(Schemes, ", "))
	case u.Opaque != "" || u.Fragment != "":
		return nil, errors.New("this is no address of a store")
	case u.Scheme == "file" && (u.Host != "" || !strings.HasPrefix(u.Path, "/")):
		return nil, errors.New("a path after file:// begins with a slash")
	case u.Scheme != "file" && (u.Hostname() == "" || u.Scheme != "sftp" && u.Port() != ""):
		return nil, errors.New("the address names no bucket or host")
	case strings.ContainsFunc(u.Path, isOdd):
		return nil, errors.New(`the path of the address holds one of "#%?\ or a control character, which not all stores can`)
	case slices.Contains(strings.Split(u.Path, "/"), ".."):
		return nil, errors.New("the path of the address leads upwards")
	}
	if err := checkUser(u); err != nil {
		return nil, err
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("the parameters of the address cannot be read")
	}
	return u, checkParams(q, known)
}

func checkUser(u *url.URL) error {
	if u.User == nil {
		return nil
	}
	if _, password := u.User.Password(); password || u.Scheme != "sftp" {
		return errors.New("the address holds credentials, which do not belong there")
	}
	return nil
}

func checkParams(q url.Values, known []string) error {
	for name, values := range q {
		switch {
		case !slices.Contains(known, name) && len(known) == 0:
			return fmt.Errorf("unknown parameter %q; there are none for this store", name)
		case !slices.Contains(known, name):
			return fmt.Errorf("unknown parameter %q; known are %s", name, strings.Join(known, ", "))
		case len(values) > 1:
			return fmt.Errorf("parameter %q is there twice", name)
		}
	}
	return nil
}

// prefixOf is what the keys of the bucket in an address begin with.
func prefixOf(u *url.URL) string {
	if p := strings.Trim(u.Path, "/"); p != "" {
		return p + "/"
	}
	return ""
}
