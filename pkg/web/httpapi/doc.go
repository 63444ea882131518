// Package httpapi holds what every handler shares: limits, errors, event streams, the server.
package httpapi
