// Package v1 holds the API under /api/v1.
package v1
