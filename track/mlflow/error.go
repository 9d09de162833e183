package mlflow

import (
	"context"
	"errors"
	"net/http"

	"github.com/xtrepro/xt/track"
)

// The names of MLflow's error codes.
const (
	invalidParameter = "INVALID_PARAMETER_VALUE"
	endpointNotFound = "ENDPOINT_NOT_FOUND"
	badRequest       = "BAD_REQUEST"
)

// apiError is an error that only this API has.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.message }

// bodyError says that the body of a request could not be read.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "the body of the request: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// statuses has the status and the name of each code of a store. InvalidState is
// a 500 upstream, which clients would repeat.
var statuses = map[track.Code]apiError{
	track.NotFound:         {status: http.StatusNotFound, code: "RESOURCE_DOES_NOT_EXIST"},
	track.AlreadyExists:    {status: http.StatusBadRequest, code: "RESOURCE_ALREADY_EXISTS"},
	track.InvalidParameter: {status: http.StatusBadRequest, code: invalidParameter},
	track.InvalidState:     {status: http.StatusBadRequest, code: "INVALID_STATE"},
	track.Unavailable:      {status: http.StatusServiceUnavailable, code: "TEMPORARILY_UNAVAILABLE"},
}

// fail answers with an error.
func (c *call) fail(err error) {
	a := c.explain(err)
	if a == nil || c.sent {
		return
	}
	c.out.b = c.out.b[:0]
	c.out.open()
	c.out.str("error_code", a.code)
	c.out.str("message", a.message)
	c.out.close()
	c.send(a.status)
}

// explain returns what to tell the client: nil if it has gone.
func (c *call) explain(err error) *apiError {
	var (
		known   *apiError
		stored  *track.Error
		body    *bodyError
		tooLong *http.MaxBytesError
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &stored) && stored.Code != track.Internal:
		a := statuses[stored.Code]
		a.message = stored.Message
		if stored.Code == track.Unavailable {
			c.report(c.r, err)
		}
		return &a
	case errors.As(err, &tooLong):
		return &apiError{http.StatusRequestEntityTooLarge, badRequest, "The body of the request is too long."}
	case errors.As(err, &body):
		return &apiError{http.StatusBadRequest, badRequest, body.Error()}
	case errors.Is(err, context.Canceled) && c.r.Context().Err() != nil:
		return nil
	}
	c.report(c.r, err)
	return &apiError{http.StatusInternalServerError, "INTERNAL_ERROR", "Internal error; the output of the server says more."}
}

const seeDocs = "See the API docs for more information about request parameters."

func missing(at string) error {
	return track.Errorf(track.InvalidParameter, "Missing value for required parameter '%s'. %s", at, seeDocs)
}

// mistyped says that an argument has a wrong type, or one that nothing can be
// made of.
func mistyped(at string, v value) error {
	text := []byte(v)
	const max = 500 // a hint, no copy of what may be megabytes
	if len(text) > max {
		text = append(text[:max:max], "..."...)
	}
	return track.Errorf(track.InvalidParameter, "Invalid value %s for parameter '%s' supplied:  Hint: Value was of type '%s'. %s", text, at, v.typeName(), seeDocs)
}
