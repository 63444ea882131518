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

// Text reads a string of an object; "" if it is not there.
func Text(o Object, name string) string {
	s, _ := o[name].(string)
	return s
}

// True reads a boolean of an object; false if it is not there.
func True(o Object, name string) bool {
	b, _ := o[name].(bool)
	return b
}

// Child reads an object inside an object; nil if it is not there. A nil Object may be read.
func Child(o Object, name string) Object {
	child, _ := o[name].(Object)
	return child
}

// List reads an array of an object; nil if it is not there.
func List(o Object, name string) []any {
	list, _ := o[name].([]any)
	return list
}

// Objects reads an array of objects of an object, leaving out what is none.
func Objects(o Object, name string) []Object {
	var objects []Object
	for _, item := range List(o, name) {
		if object, ok := item.(Object); ok {
			objects = append(objects, object)
		}
	}
	return objects
}

// Merge returns a copy of an object with a patch laid over it as Google does: objects are merged,
// arrays and all else replaced, null removes.
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

// Only returns the named fields of an object.
func Only(o Object, names ...string) Object {
	chosen := Object{}
	for name, value := range o {
		if slices.Contains(names, name) {
			chosen[name] = value
		}
	}
	return chosen
}

// Anys turns a list into what an Object may hold.
func Anys[T any](list []T) []any {
	anys := make([]any, len(list))
	for i, item := range list {
		anys[i] = item
	}
	return anys
}
