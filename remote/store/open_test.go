package store

import (
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, good := range []string{
		"s3://bucket", "s3://bucket/a/b?region=eu-west-1&endpoint=https://example.org", "azblob://c/p?storage_account=a", "gs://b/", "gs://b?anonymous=true",
		"sftp://host/path", "sftp://me@host:2222/~/data?identity=~/.ssh/key", "file:///data/store", "file:///data/with%20space",
	} {
		if err := Check(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"":                               "unknown store",
		"/data":                          "unknown store",
		"http://x/y":                     "known are s3, azblob, gs, sftp, file",
		"s3:///prefix":                   "no bucket",
		"s3:bucket":                      "no address",
		"s3://b/p#x":                     "no address",
		"s3://b/a%23b":                   "the path",
		"s3://b/a/../b":                  "upwards",
		"s3://b?regoin=x":                `unknown parameter "regoin"; known are accelerate`,
		"s3://b?region=x&region=y":       "twice",
		"s3://id:SECRET@b":               "credentials",
		"sftp://me:SECRET@host/p":        "credentials",
		"file://data/store":              "begins with a slash",
		"file:///data?create_dir=1":      "there are none",
		"s3://b?SECRET=%zz":              "cannot be read",
		"s3://b:80/p":                    "no bucket",
		"gs://b?access_id=-":             "unknown parameter",
		"azblob://c?sas=SECRET":          `unknown parameter "sas"`,
		"s3://b/\x7f":                    "no address",
		"sftp://host/p?password=SECRET":  `unknown parameter "password"`,
		"s3://SECRET:SECRET@b?x=SECRET ": "",
	} {
		err := Check(bad)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", bad, err)
		}
		if err != nil && strings.Contains(strings.ReplaceAll(err.Error(), `parameter "SECRET"`, ""), "SECRET") {
			t.Errorf("%s: it repeats the secret: %v", bad, err)
		}
		if _, err := Open(t.Context(), bad, Options{}); err == nil {
			t.Errorf("%s was opened", bad)
		}
	}
}
