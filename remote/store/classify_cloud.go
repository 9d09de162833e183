package store

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/oauth2"
	"google.golang.org/api/googleapi"
)

// codes is what the error codes of S3 and Azure mean. What is not here goes by
// the status of the answer.
var codes = map[string]Kind{
	"NoSuchKey": NotFound, "NotFound": NotFound, "BlobNotFound": NotFound,
	"PreconditionFailed": Exists, "BlobAlreadyExists": Exists, "ConditionNotMet": Exists,
	"NoSuchBucket": NoBucket, "ContainerNotFound": NoBucket, "ContainerBeingDeleted": NoBucket, "ResourceNotFound": NoBucket,
	"SignatureDoesNotMatch": Denied, "InvalidAccessKeyId": Denied, "XAdminUserNotFound": Denied, "AccessDenied": Denied,
	"ExpiredToken": Denied, "InvalidToken": Denied, "AuthenticationFailed": Denied, "AuthorizationFailure": Denied,
	"RequestTimeTooSkewed": Skewed, "RequestExpired": Skewed,
	"RequestTimeout": Temporary, "SlowDown": Temporary, "Throttling": Temporary, "ThrottlingException": Temporary,
	"ConditionalRequestConflict": Temporary, "OperationAborted": Temporary, "ServerBusy": Temporary, "OperationTimedOut": Temporary,
	"XMinioStorageFull": Full, "QuotaExceeded": Full, "InsufficientAccountPermissions": Denied, "InvalidRange": Other,
}

// byCode is the kind of an answer with an error code and a status of HTTP.
func byCode(code string, status int) Kind {
	if kind, ok := codes[code]; ok {
		return kind
	}
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return Denied
	case status == http.StatusNotFound:
		return NotFound
	case status == http.StatusPreconditionFailed:
		return Exists
	case status == http.StatusInsufficientStorage:
		return Full
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500 && status != http.StatusNotImplemented:
		return Temporary
	}
	return Other
}

// answered is the trouble that a server told in its answer.
func answered(code string, status int, message string) *trouble {
	if status == http.StatusRequestedRangeNotSatisfiable {
		return &trouble{kind: Other, text: ErrShort.Error(), err: ErrShort}
	}
	if code == "" {
		code = strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	}
	message, _, _ = strings.Cut(strings.TrimSpace(message), "\n")
	text := code
	if message != "" && message != code {
		text += ": " + message
	}
	return &trouble{kind: byCode(code, status), text: oneLine(text)}
}

func fromAWS(err error) *trouble {
	status := 0
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
	}
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		t := answered(api.ErrorCode(), status, api.ErrorMessage())
		if api.ErrorCode() == "PermanentRedirect" || api.ErrorCode() == "AuthorizationHeaderMalformed" {
			t.kind = Other
			t.hints = []string{"is the bucket in another region? Add region=NAME to the address"}
		}
		return t
	case response != nil && status >= 300:
		// The body was none of S3's, such as that of a proxy.
		return answered("", status, "")
	}
	return nil
}

func fromAzure(err error) *trouble {
	var response *azcore.ResponseError
	if errors.As(err, &response) {
		message, detail := azureMessage(response)
		t := answered(response.ErrorCode, response.StatusCode, message)
		if strings.Contains(detail, "date header too old") {
			t.kind, t.text = Skewed, response.ErrorCode+": "+oneLine(detail)
		}
		return t
	}
	var failed *azidentity.AuthenticationFailedError
	if errors.As(err, &failed) {
		return &trouble{kind: Denied, text: oneLine(failed.Error())}
	}
	return nil
}

// azureMessage takes the message out of an answer: the text of the SDK's error
// is a dump of a dozen lines.
func azureMessage(e *azcore.ResponseError) (message, detail string) {
	if e.RawResponse == nil {
		return "", ""
	}
	body, err := runtime.Payload(e.RawResponse)
	if err != nil {
		return "", ""
	}
	var answer struct {
		Message                   string
		AuthenticationErrorDetail string
	}
	// No message is better than none at all.
	_ = xml.Unmarshal(body, &answer)
	return answer.Message, answer.AuthenticationErrorDetail
}

func fromGoogle(err error) *trouble {
	var token *oauth2.RetrieveError
	if errors.As(err, &token) {
		return googleToken(token)
	}
	if errors.Is(err, storage.ErrBucketNotExist) {
		return &trouble{kind: NoBucket, text: "the bucket does not exist"}
	}
	var api *googleapi.Error
	switch {
	case errors.As(err, &api):
		reason := ""
		if len(api.Errors) > 0 {
			reason = api.Errors[0].Reason
		}
		t := answered("", api.Code, api.Message)
		if reason == "quotaExceeded" || reason == "rateLimitExceeded" || reason == "userRateLimitExceeded" {
			t.kind = Temporary
		}
		return t
	case errors.Is(err, storage.ErrObjectNotExist):
		return &trouble{kind: NotFound, text: "the object does not exist"}
	}
	return nil
}

// googleToken explains why there was no token for the credentials.
func googleToken(e *oauth2.RetrieveError) *trouble {
	t := &trouble{kind: Denied, text: oneLine(strings.TrimSpace(e.ErrorCode + ": " + e.ErrorDescription))}
	switch {
	case strings.Contains(e.ErrorDescription, "reasonable timeframe"):
		t.kind = Skewed
	case e.Response != nil && e.Response.StatusCode >= 500:
		t.kind = Temporary
	}
	return t
}
