// Package workspace is the client of Google Drive, Calendar and Classroom: segments found and read,
// videos uploaded and shared, attached to events and announced in courses.
//
// It knows Google's wire, what its errors mean, and how each of its changes is made exactly once. It
// knows no database, no bucket and no step: ids that must outlive a process are handed to the caller
// before they are used, and come back from him. Endpoints and tokens come in by [Options], so that a
// server on the same machine can stand in for Google.
//
// Every call goes through one wrapper ([Client.do]), which repeats what may be repeated; what cannot is
// first made so, by looking for its own effect before it acts. Errors are decided here: [ErrNotFound],
// [ErrExists] and the other sentinels are answers, [fault.PermanentError] and [fault.Deferral] decisions, all
// else is worth another try by the step. Start with [New].
package workspace
