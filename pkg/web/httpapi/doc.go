// Package httpapi holds what all HTTP handlers of pkg/web share: limits on requests, errors as
// JSON or problem+json, tagged answers, streams of server-sent events, rate limits and the server
// itself.
//
// It knows no database and no user. Handlers pass an [ErrorWriter], so that shared code answers in
// the form of the API that was called.
package httpapi
