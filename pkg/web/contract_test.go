package web_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// contract is openapi.yaml, read once.
var contract = sync.OnceValues(func() (routers.Router, error) {
	text, err := os.ReadFile("v1/openapi.yaml")
	if err != nil {
		return nil, err
	}
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	if err := document.Validate(context.Background()); err != nil {
		return nil, err
	}
	return legacy.NewRouter(document)
})

// holdContract holds a request that was accepted, and any answer, against openapi.yaml. What the document
// does not know must be answered 404 or 405.
func holdContract(t testing.TB, method, path, body string, headers []string, got answer) {
	t.Helper()
	router, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(
		context.Background(),
		method,
		path,
		strings.NewReader(body),
	)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	route, parameters, err := router.FindRoute(r)
	if err != nil {
		if method != http.MethodHead && got.status != http.StatusNotFound && got.status != http.StatusMethodNotAllowed && got.status != http.StatusUnauthorized {
			t.Errorf(
				"%s %s is not in openapi.yaml (%v), and was answered %d",
				method, path, err, got.status,
			)
		}
		return
	}
	options := &openapi3filter.Options{
		AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
		IncludeResponseStatus: true,
	}
	input := &openapi3filter.RequestValidationInput{
		Request:    r,
		PathParams: parameters,
		Route:      route,
		Options:    options,
	}
	if err := openapi3filter.ValidateRequest(r.Context(), input); got.status < 300 && err != nil {
		t.Errorf("%s %s was accepted, against openapi.yaml: %v", method, path, err)
	}
	err = openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input,
		Status:                 got.status,
		Header:                 got.header,
		Body:                   io.NopCloser(strings.NewReader(got.body)),
		Options:                options,
	})
	if err != nil {
		t.Errorf(
			"%s %s was answered %d %s, against openapi.yaml: %v",
			method, path, got.status, got.body, err,
		)
	}
}

// TestContractIsServed holds that what is served is what the tests hold.
func TestContractIsServed(t *testing.T) {
	t.Parallel()
	w := newEnv(t)
	text, err := os.ReadFile("v1/openapi.yaml")
	w.must(err)
	for _, headers := range [][]string{{"key", w.key}, {"Cookie", "page=1"}, {}} {
		if got := w.do("GET", "/api/v1/openapi.yaml", "", headers...); got.status != http.StatusOK || got.body != string(text) || got.header.Get("ETag") == "" {
			t.Errorf("%v: %d %v", headers, got.status, got.header)
		}
	}
}
