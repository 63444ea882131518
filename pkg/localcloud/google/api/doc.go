// Package api is what the stand-ins of Workspace APIs have in common: calls, answers, errors and
// pages.
//
// A [Service] finds the method that a request calls, checks the request and the stand-in's answer
// with package apidesc, selects the fields that were asked for, and answers errors in Google's
// form. The package knows HTTP and JSON. It knows no files, events or courses, no disk and no
// clock. Resources are [Object] values: a caller may send what the description allows. A stored
// Object is not changed. Start with [NewService].
package api

import (
	"maps"
	"slices"
)

// Object is a JSON object. Its values are string, bool, json.Number, int, int64, float64, Object,
// []any or nil.
type Object = map[string]any

// Text returns a string field of an object, or "" if it is missing.
func Text(o Object, name string) string {
	s, _ := o[name].(string)
	return s
}

// True returns a boolean field of an object, or false if it is missing.
func True(o Object, name string) bool {
	b, _ := o[name].(bool)
	return b
}

// Child returns an object inside an object, or nil if it is missing. o may be nil.
func Child(o Object, name string) Object {
	child, _ := o[name].(Object)
	return child
}

// List returns an array field of an object, or nil if it is missing.
func List(o Object, name string) []any {
	list, _ := o[name].([]any)
	return list
}

// Objects returns the objects in an array field of an object.
func Objects(o Object, name string) []Object {
	var objects []Object
	for _, item := range List(o, name) {
		if object, ok := item.(Object); ok {
			objects = append(objects, object)
		}
	}
	return objects
}

// Merge returns a copy of an object with a patch applied as Google applies it: objects are
// merged, arrays and other values replaced, and null removes.
func Merge(o, patch Object) Object {
	merged := maps.Clone(o)
	if merged == nil {
		merged = Object{}
	}
	for name, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(merged, name)
		case Object:
			merged[name] = Merge(Child(o, name), value)
		default:
			merged[name] = value
		}
	}
	return merged
}

// Only returns a copy of an object with the named fields.
func Only(o Object, names ...string) Object {
	chosen := Object{}
	for name, value := range o {
		if slices.Contains(names, name) {
			chosen[name] = value
		}
	}
	return chosen
}

// Anys converts a list to an array of an Object.
func Anys[T any](list []T) []any {
	anys := make([]any, len(list))
	for i, item := range list {
		anys[i] = item
	}
	return anys
}
