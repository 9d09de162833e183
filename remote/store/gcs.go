package store

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/option"
)

// gcsParams is what the address of a bucket on GCS may hold, spelled as
// gocloud does.
var gcsParams = []string{"anonymous", "universe_domain"}

func openGCS(ctx context.Context, u *url.URL, w *wire) (driver, error) {
	client, err := gcsClient(ctx, u.Query(), w)
	if err != nil {
		return nil, err
	}
	client.SetRetry(storage.WithPolicy(storage.RetryNever))
	b, err := gcsblob.OpenBucket(ctx, nil, u.Host, &gcsblob.Options{Client: client})
	if err != nil {
		client.Close()
		return nil, err
	}
	return &gcsDriver{cloud: cloud{bucket: b, prefix: prefixOf(u), sdk: &gcsSDK{bucket: client.Bucket(u.Host)}}, client: client}, nil
}

// gcsDriver closes the client too, which gocloud leaves to its owner.
type gcsDriver struct {
	cloud
	client *storage.Client
}

func (d *gcsDriver) close() error {
	err := d.cloud.close()
	if closeErr := d.client.Close(); err == nil {
		err = closeErr
	}
	return err
}

// gcsScope is what a token is asked for.
const gcsScope = "https://www.googleapis.com/auth/devstorage.read_write"

func gcsClient(ctx context.Context, q url.Values, w *wire) (*storage.Client, error) {
	client := w.client()
	client.Transport = onceOnly{client.Transport}
	// Google recommends it, and a proxy in front of an emulator needs it.
	opts := []option.ClientOption{storage.WithJSONReads()}
	domain := q.Get("universe_domain")
	if domain != "" {
		opts = append(opts, option.WithUniverseDomain(domain))
	}
	anonymous, err := strconv.ParseBool(q.Get("anonymous"))
	if err != nil && q.Has("anonymous") {
		return nil, &trouble{kind: Other, text: "anonymous is neither true nor false"}
	}
	if anonymous || os.Getenv("STORAGE_EMULATOR_HOST") != "" {
		return storage.NewClient(ctx, append(opts, option.WithoutAuthentication(), option.WithHTTPClient(client))...)
	}
	creds, err := google.FindDefaultCredentialsWithParams(context.WithValue(ctx, oauth2.HTTPClient, w.client()),
		google.CredentialsParams{Scopes: []string{gcsScope}, UniverseDomain: domain})
	if err != nil {
		return nil, &trouble{kind: NoCredentials, text: "no credentials for Google Cloud: " + oneLine(err.Error()), err: err, hints: []string{
			"run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to a key file",
		}}
	}
	client.Transport = &oauth2.Transport{Base: client.Transport, Source: creds.TokenSource}
	return storage.NewClient(ctx, append(opts, option.WithHTTPClient(client))...)
}

// onceOnly makes a body that breaks off look like one that ends. The SDK goes on
// with one that breaks off for as long as the server opens it, without an end;
// that it is too short is noticed all the same.
type onceOnly struct{ http.RoundTripper }

func (t onceOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = body{answer.Body}
	}
	return answer, err
}

type body struct{ io.ReadCloser }

func (b body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

// gcsSDK is GCS's part of a [cloud].
type gcsSDK struct{ bucket *storage.BucketHandle }

func (s *gcsSDK) put(ctx context.Context, key string, data []byte, create bool) error {
	// An upload whose context is cancelled is not completed.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o := s.bucket.Object(key)
	if create {
		o = o.If(storage.Conditions{DoesNotExist: true})
	}
	w := o.NewWriter(ctx)
	w.ChunkSize = 0 // one request
	w.ContentType = contentType
	if _, err := w.Write(data); err != nil {
		cancel()
		// The error of the write is what the request ended with.
		_ = w.Close()
		return err
	}
	return w.Close()
}

func (s *gcsSDK) version(as func(any) bool) string {
	var o storage.ObjectAttrs
	as(&o)
	return o.Etag
}

func (s *gcsSDK) part(*blob.Reader) string { return "" } // the SDK sees to it

func (s *gcsSDK) beforeList(as func(any) bool) error {
	var q *storage.Query
	if !as(&q) {
		return nil
	}
	q.Projection = storage.ProjectionNoACL
	return q.SetAttrSelection([]string{"Name", "Size", "Updated", "Etag"})
}
