package store

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	gcaws "gocloud.dev/aws"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

// s3Params is what the address of a bucket on S3 may hold, spelled as gocloud
// does.
var s3Params = []string{
	"accelerate", "anonymous", "disable_https", "dualstack", "endpoint", "fips", "kmskeyid", "profile", "region", "role",
	"request_checksum_calculation", "response_checksum_validation", "ssetype", "use_path_style",
}

func openS3(ctx context.Context, u *url.URL, w *wire) (driver, error) {
	q := u.Query()
	sdk := &s3SDK{name: u.Host, sse: types.ServerSideEncryption(q.Get("ssetype"))}
	if id := q.Get("kmskeyid"); id != "" {
		sdk.kmsKey = &id
	}
	opts, err := s3Options(q)
	if err != nil {
		return nil, err
	}
	cfg, err := s3Config(ctx, q, w)
	if err != nil {
		return nil, err
	}
	sdk.client = s3.NewFromConfig(cfg, opts)
	b, err := s3blob.OpenBucket(ctx, sdk.client, u.Host, nil)
	if err != nil {
		return nil, err
	}
	return &s3Driver{cloud: cloud{bucket: b, prefix: prefixOf(u), sdk: sdk}}, nil
}

// s3Options takes out of q what concerns S3 alone. Other makers' servers are
// rarely reached by a bucket's own host name, and many do not know the
// checksums that came after S3 had been copied.
func s3Options(q url.Values) (func(*s3.Options), error) {
	endpoint := q.Get("endpoint")
	if endpoint != "" {
		setDefault(q, "use_path_style", "true")
		setDefault(q, "request_checksum_calculation", "when_required")
		setDefault(q, "response_checksum_validation", "when_required")
	}
	flags := map[string]bool{}
	for _, name := range []string{"use_path_style", "accelerate", "disable_https"} {
		if text := q.Get(name); text != "" {
			on, err := strconv.ParseBool(text)
			if err != nil {
				return nil, fmt.Errorf("%s is neither true nor false", name)
			}
			flags[name] = on
		}
	}
	for _, name := range []string{"use_path_style", "accelerate", "disable_https", "endpoint", "ssetype", "kmskeyid"} {
		q.Del(name)
	}
	return func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, doubt)
		o.UsePathStyle = flags["use_path_style"]
		o.UseAccelerate = flags["accelerate"]
		o.EndpointOptions.DisableHTTPS = flags["disable_https"]
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
			if o.Region == "" {
				o.Region = "us-east-1"
			}
		}
	}, nil
}

func setDefault(q url.Values, name, value string) {
	if !q.Has(name) {
		q.Set(name, value)
	}
}

// s3Config is the SDK's own configuration, of the environment, its files and
// what is left in q, over the wire.
func s3Config(ctx context.Context, q url.Values, w *wire) (aws.Config, error) {
	cfg, err := gcaws.V2ConfigFromURLParams(ctx, q)
	if err != nil {
		return cfg, err
	}
	// The client that the configuration made knows of AWS_CA_BUNDLE.
	client, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		client = awshttp.NewBuildableClient()
	}
	cfg.HTTPClient = client.WithTransportOptions(w.tune)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	if cfg.Credentials != nil && !aws.IsCredentialsProvider(cfg.Credentials, (*aws.AnonymousCredentials)(nil)) {
		cfg.Credentials = &awsCredentials{cfg.Credentials}
	}
	return cfg, nil
}

// awsCredentials tells when there are none.
type awsCredentials struct{ aws.CredentialsProvider }

func (c *awsCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &trouble{kind: NoCredentials, text: "no credentials for S3: " + oneLine(err.Error()), err: err, hints: []string{
			"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with aws configure or aws sso login (then AWS_PROFILE=NAME or profile=NAME in the address)",
		}}
	}
	return creds, err
}

// doubt makes the client fail on answers without what all those of S3 have. The
// SDK takes any page of HTML for the list of an empty bucket.
func doubt(stack *middleware.Stack) error {
	look := func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		out, meta, err := next.HandleInitialize(ctx, in)
		if err == nil && isHollow(out.Result) {
			err = notAStore(nil)
		}
		return out, meta, err
	}
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("xt doubt", look), middleware.Before)
}

func isHollow(result any) bool {
	switch r := result.(type) {
	case *s3.ListObjectsV2Output:
		return r.Name == nil
	case *s3.PutObjectOutput:
		return r.ETag == nil
	case *s3.HeadObjectOutput:
		return r.ETag == nil
	case *s3.GetObjectOutput:
		if r.ETag == nil {
			r.Body.Close()
		}
		return r.ETag == nil
	}
	return false
}

// s3SDK is S3's part of a [cloud].
type s3SDK struct {
	client *s3.Client
	name   string // of the bucket
	sse    types.ServerSideEncryption
	kmsKey *string
}

func (s *s3SDK) put(ctx context.Context, key string, data []byte, create bool) error {
	in := &s3.PutObjectInput{
		Bucket: &s.name, Key: &key, Body: bytes.NewReader(data), ContentLength: aws.Int64(int64(len(data))),
		ContentType: aws.String(contentType), ServerSideEncryption: s.sse, SSEKMSKeyId: s.kmsKey,
	}
	if create {
		in.IfNoneMatch = aws.String("*")
	}
	_, err := s.client.PutObject(ctx, in)
	return err
}

func (s *s3SDK) version(as func(any) bool) string {
	var o types.Object
	as(&o)
	return aws.ToString(o.ETag)
}

func (s *s3SDK) part(r *blob.Reader) string {
	var o s3.GetObjectOutput
	r.As(&o)
	return aws.ToString(o.ContentRange)
}

func (s *s3SDK) beforeList(func(any) bool) error { return nil }

// deleteSize is the most that S3 takes.
const deleteSize = 1000

func (s *s3SDK) remove(ctx context.Context, keys []string) ([]string, error) {
	var left []string
	var failed error
	for len(keys) > 0 {
		part := keys[:min(len(keys), deleteSize)]
		bad, err := s.removePart(ctx, part)
		if err != nil && len(bad) == len(part) {
			return append(left, keys...), err
		}
		if err != nil && failed == nil {
			failed = err
		}
		left, keys = append(left, bad...), keys[len(part):]
	}
	return left, failed
}

func (s *s3SDK) removePart(ctx context.Context, keys []string) ([]string, error) {
	ids := make([]types.ObjectIdentifier, len(keys))
	for i := range keys {
		ids[i].Key = &keys[i]
	}
	out, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &s.name, Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return keys, err
	}
	errs := map[string]error{}
	for _, e := range out.Errors {
		if code := aws.ToString(e.Code); byCode(code, 0) != NotFound {
			errs[aws.ToString(e.Key)] = &smithy.GenericAPIError{Code: code, Message: aws.ToString(e.Message)}
		}
	}
	inOrder := make([]error, len(keys))
	for i, key := range keys {
		inOrder[i] = errs[key]
	}
	return leftOf(keys, inOrder)
}

// s3Driver is a bucket on S3 with the uploads in parts that others began.
type s3Driver struct{ cloud }

// sweep aborts uploads in parts. This package makes none, but what they hold is
// paid for and shows in no listing.
func (d *s3Driver) sweep(ctx context.Context, olderThan time.Duration) (int, error) {
	s := d.sdk.(*s3SDK)
	n := 0
	pages := s3.NewListMultipartUploadsPaginator(s.client, &s3.ListMultipartUploadsInput{Bucket: &s.name, Prefix: &d.prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return n, d.noBucket(err)
		}
		now, ok := awsmiddleware.GetServerTime(page.ResultMetadata)
		if !ok {
			now = time.Now()
		}
		for _, up := range page.Uploads {
			if now.Sub(aws.ToTime(up.Initiated)) < olderThan {
				continue
			}
			_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.name, Key: up.Key, UploadId: up.UploadId})
			if err != nil && classify(err).kind != NotFound {
				return n, err
			}
			n++
		}
	}
	return n, nil
}
