// Package v1 is the product's own API under /api/v1. openapi.yaml describes it, and the tests
// check every answer against that description. Errors are problem+json.
package v1
