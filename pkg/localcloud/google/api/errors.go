package api

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
)

// Error is an error that the caller gets in Google's form.
type Error struct {
	Status   int    // HTTP
	Reason   string // like notFound
	Message  string
	Location string // the parameter or field that is wrong; may be empty
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Status, e.Reason, e.Message)
}

// Refuse returns an [Error].
func Refuse(status int, reason, format string, args ...any) *Error {
	return &Error{
		Status:  status,
		Reason:  reason,
		Message: fmt.Sprintf(format, args...),
	}
}

// Invalid returns an [Error] with status 400 about a parameter or a field.
func Invalid(location, format string, args ...any) *Error {
	e := Refuse(http.StatusBadRequest, "invalid", format, args...)
	e.Location = location
	return e
}

// refusal returns the [Error] for any error. An unknown error is one of the stand-in, with status
// 500.
func refusal(err error) *Error {
	var e *Error
	var problem *apidesc.Problem
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &problem):
		return &Error{
			Status:   http.StatusBadRequest,
			Reason:   problem.Reason,
			Message:  problem.Message,
			Location: problem.Location,
		}
	case errors.As(err, &tooLarge):
		return Refuse(
			http.StatusRequestEntityTooLarge,
			"uploadTooLarge",
			"the body is larger than %d bytes",
			tooLarge.Limit,
		)
	}
	return Refuse(http.StatusInternalServerError, "internalError", "%s", err)
}

// body returns the body of the answer.
func (e *Error) body() Object {
	detail := Object{
		"domain":  "global",
		"reason":  e.Reason,
		"message": e.Message,
	}
	if e.Location != "" {
		detail["location"] = e.Location
		detail["locationType"] = "parameter"
	}
	return Object{"error": Object{
		"code":    e.Status,
		"message": e.Message,
		"status":  e.canonical(),
		"errors":  []any{detail},
	}}
}

// canonical returns the name of the error's status in Google's RPC system.
func (e *Error) canonical() string {
	if e.Reason == "failedPrecondition" {
		return "FAILED_PRECONDITION"
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return "INVALID_ARGUMENT"
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound, http.StatusGone:
		return "NOT_FOUND"
	case http.StatusConflict:
		return "ALREADY_EXISTS"
	case http.StatusPreconditionFailed:
		return "FAILED_PRECONDITION"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return "UNIMPLEMENTED"
	}
	return "INTERNAL"
}
