// Package web is what people and programs see: the pages of a lecturer and of an operator, the API of
// the NVR that existing clients speak, and our own under /api/v1.
//
// It knows HTTP, the words of two languages and the store; it knows no Google API, no bucket and no
// step of the pipeline: what it needs of them comes in as functions of [Options]. Every request passes
// the same guard (body limit, panic, headers), then one way to know who asks: a key (see [NewAPI]) or a
// person ([NewForm]). The packages below hold the parts: httpapi, auth, records, then nvrapi, v1 and page.
package web
