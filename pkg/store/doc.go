// Package store keeps the records. It holds all SQL of the product; the statements are the same for
// SQLite and MySQL.
//
// A record is a row of the NVR's table `records`. The NVR goes on inserting and reading rows, so its
// columns may be NULL and have no constraints. The columns of this program have defaults. Two generated
// columns, free_at and held_until, index the state of a row, so that looking for work costs what there is
// to do and not what was ever done:
//
//   - Free: done = 0 and processing = 0 on any step from stage to done. The row is not claimed yet, is not
//     due yet, or was given back. On a step later than stage, a person reset the row.
//   - Held: a worker has claimed the row and has until lease_until. After that, claim takes the row over.
//     A pause after a failure is a lease without a holder.
//   - Neither: failed, withdrawn or finished rows, and rows with processing = 1 without a lease. Another
//     program is processing those, and only a person can decide about them.
//
// Every change of a row is one compare-and-set. [Queue.Claim] compares the whole [nvr.Record] that was read
// and raises attempt. [Queue.ClaimAll] compares the same snapshots within a transaction that locks the rows
// (SELECT ... FOR UPDATE). What a worker writes names its [nvr.Lease]. Zero changed rows are
// [fault.ErrStale]. An action of an operator raises attempt too, which makes the worker of the row stale.
//
// The package knows no Pub/Sub, no Cloud Storage and no clock. The time comes from [Options].Now, and
// instants are stored as milliseconds UTC. Start with [Open] and [Queue.Claim].
package store
