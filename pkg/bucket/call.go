package bucket

import (
	"net/http"
	"strings"
)

// Google's names of the calls that are made here, as metrics have them.
const (
	// Names of the calls in metrics, as Google writes them.
	callBucketGet = "storage.buckets.get"
	callList      = "storage.objects.list"
	callGet       = "storage.objects.get"
	callInsert    = "storage.objects.insert"
	callCompose   = "storage.objects.compose"
	callDelete    = "storage.objects.delete"
	callPatch     = "storage.objects.patch"
)

// callName returns the name of the call that a request makes, by its path:
// .../b/BUCKET/o/OBJECT[/compose]. Object names are escaped in it.
func callName(r *http.Request) string {
	_, path, _ := strings.Cut(r.URL.EscapedPath(), "/b/")
	parts := strings.Split(path, "/") // BUCKET, "o", OBJECT, "compose"
	switch {
	case r.Method == http.MethodDelete:
		return callDelete
	case r.Method == http.MethodPatch:
		return callPatch
	case parts[len(parts)-1] == "compose" && len(parts) > 3:
		return callCompose
	case r.Method == http.MethodPost, r.Method == http.MethodPut:
		return callInsert
	case len(parts) < 2:
		return callBucketGet
	case len(parts) < 3:
		return callList
	}
	return callGet
}
