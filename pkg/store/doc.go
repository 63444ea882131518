// Package store keeps the records: all SQL of the product is here, the same statements for SQLite and
// MySQL.
//
// A record is a row of the NVR's table `records`. The NVR goes on inserting and reading it, so its
// columns may be NULL and are never bound by constraints of ours; our own columns have defaults. Two
// generated columns, free_at and held_until, say whose turn a row is, so that looking for work costs
// what there is to do and not what was ever done:
//
//   - free: done = 0 and processing = 0 on any step from stage to done (on a later step than stage: a
//     person reset it). Not claimed yet, not due yet, or given back.
//   - held: somebody took it and has until lease_until; after that anybody may take it over. A pause
//     after a failure is a lease without a holder.
//   - neither: failed, withdrawn, finished, or processing = 1 without a lease, which is foreign work
//     that only a person can judge.
//
// Every change of a row is one compare-and-set. [Store.Take] compares the whole [nvr.Record] that was
// read and raises attempt; what a worker writes names its [nvr.Lease]; zero rows is [fault.ErrStale].
// What a person does raises attempt too, which fences whoever works on the row.
//
// The package knows no queue, no object and no clock: the time comes by [Options].Now, and instants
// are kept as milliseconds UTC. Start with [Open] and [Store.Take].
package store
