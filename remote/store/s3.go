package store

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

func openS3(ctx context.Context, u *url.URL, w *wire) (driver, error) {
	q := u.Query()
	sdk := &s3SDK{name: u.Host, sse: types.ServerSideEncryption(q.Get("ssetype"))}
	if id := q.Get("kmskeyid"); id != "" {
		sdk.kmsKey = &id
	}
	if sdk.sse != "" && !slices.Contains(sdk.sse.Values(), sdk.sse) {
		return nil, fmt.Errorf("ssetype is none of %v", sdk.sse.Values())
	}
	var err error
	if sdk.client, err = s3Client(ctx, q, w); err != nil {
		return nil, err
	}
	b, err := s3blob.OpenBucket(ctx, sdk.client, u.Host, nil)
	if err != nil {
		return nil, err
	}
	return &s3Driver{cloud: cloud{bucket: b, prefix: prefixOf(u), sdk: sdk}}, nil
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
		now = now.Add(time.Second) // it is told in whole ones
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
