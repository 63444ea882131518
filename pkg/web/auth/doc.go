// Package auth determines who sends a request: the owner of an API key ([RequireKey]), or a person
// whom Identity-Aware Proxy ([IAP]) or an issuer of OpenID Connect ([OIDC]) signed in. Handlers read the
// [Caller] from the request's context.
package auth
