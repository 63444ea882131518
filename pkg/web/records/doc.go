// Package records holds what the page and the APIs share: records, rooms and footage as readers
// see them, the checks of a new request, and the [Watcher] that follows records for event streams.
//
// Start with service.go. view.go turns a row into an answer, footage.go turns the index of
// segments into a day, validate.go checks what a person or a program typed.
package records
