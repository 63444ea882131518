// Package web assembles the HTTP handlers of the service "form" (people) and of the service "api"
// (programs).
//
// The packages below hold the parts, each importing downwards only: httpapi (limits, errors,
// streams), auth (who sends a request), records (what is shown), then nvrapi, v1 and page. They
// know HTTP, texts and the store. They know no Google API, no bucket and no step of the pipeline:
// functions of [Options] pass in what they need of those.
package web
