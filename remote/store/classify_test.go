package store

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"
)

func TestClassify(t *testing.T) {
	s3 := func(code string) error { return &smithy.GenericAPIError{Code: code, Message: "because"} }
	s3Status := func(status int) error {
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: errors.New("what?")}
	}
	azure := func(code string, status int) error { return &azcore.ResponseError{ErrorCode: code, StatusCode: status} }
	google := func(status int) error { return &googleapi.Error{Code: status} }
	dial := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for _, c := range []struct {
		err  error
		want Kind
	}{
		{s3("NoSuchKey"), NotFound}, {s3("NoSuchBucket"), NoBucket}, {s3("PreconditionFailed"), Exists},
		{s3("SignatureDoesNotMatch"), Denied}, {s3("XAdminUserNotFound"), Denied}, {s3("RequestTimeTooSkewed"), Skewed},
		{s3("SlowDown"), Temporary}, {s3("ConditionalRequestConflict"), Temporary}, {s3("XMinioStorageFull"), Full}, {s3("Odd"), Other},
		{s3Status(503), Temporary}, {s3Status(507), Full}, {s3Status(501), Other}, {s3Status(401), Denied}, {s3Status(404), NotFound},
		{azure("BlobNotFound", 404), NotFound}, {azure("ContainerNotFound", 404), NoBucket}, {azure("ServerBusy", 503), Temporary},
		{azure("AuthorizationPermissionMismatch", 403), Denied}, {azure("BlobAlreadyExists", 409), Exists}, {azure("", 412), Exists},
		{google(404), NotFound}, {google(412), Exists}, {google(403), Denied}, {google(429), Temporary}, {google(500), Temporary},
		{&googleapi.Error{Code: 403, Errors: []googleapi.ErrorItem{{Reason: "rateLimitExceeded"}}}, Temporary},
		{&oauth2.RetrieveError{ErrorCode: "invalid_grant", ErrorDescription: "Account not found"}, Denied},
		{&oauth2.RetrieveError{ErrorDescription: "in a reasonable timeframe"}, Skewed},
		{fs.ErrNotExist, NotFound}, {fs.ErrExist, Exists}, {fs.ErrPermission, Denied}, {syscall.ENOSPC, Full}, {syscall.EROFS, Denied},
		{dial, Unreachable}, {&url.Error{Op: "Get", Err: dial}, Unreachable}, {&net.DNSError{Name: "x", IsNotFound: true}, Unreachable},
		{x509.UnknownAuthorityError{}, Unreachable}, {&url.Error{Op: "Put", Err: errors.New("http: server closed idle connection")}, Temporary},
		{io.EOF, Temporary}, {io.ErrUnexpectedEOF, Temporary}, {syscall.ECONNRESET, Temporary}, {syscall.EPIPE, Temporary},
		{errStalled, Temporary}, {&url.Error{Op: "Get", Err: context.DeadlineExceeded}, Temporary},
		{ErrShort, Other}, {errors.New("what?"), Other},
	} {
		e := explain(t.Context(), "s3://b", "read", "k", fmt.Errorf("wrapped: %w", c.err))
		if e.Kind != c.want {
			t.Errorf("%v is %v, not %v", c.err, e.Kind, c.want)
		}
		if errors.Is(e, fs.ErrNotExist) != (c.want == NotFound) || errors.Is(e, fs.ErrExist) != (c.want == Exists) {
			t.Errorf("%v is the wrong error of fs", c.err)
		}
		if c.want != Other && c.want != NotFound && c.want != Exists && len(e.Hints()) == 0 {
			t.Errorf("%v: no hint", c.err)
		}
	}
}

func TestErrorText(t *testing.T) {
	e := explain(t.Context(), "s3://b/p", "read", "k", &smithy.GenericAPIError{Code: "Code", Message: "one\ntwo\x1b[31m"})
	if got := e.Error(); got != "read s3://b/p/k: Code: one" {
		t.Errorf("%q", got)
	}
	long := explain(t.Context(), "s3://b", "read", "", errors.New(strings.Repeat("é\x1b", 1000)))
	if got := long.Error(); len(got) > 350 || strings.ContainsRune(got, 0x1b) {
		t.Errorf("%q", got)
	}
}
