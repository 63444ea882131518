// Package merge turns a record's segments into the finished video.
//
// [Engine.Plan] reads what each segment holds, lays the record over it and fixes every decision: the same
// plan always gives the same frames. [Engine.Render] makes a part of each slice, decoding and encoding every
// frame once. [Engine.Join] puts the parts' sample tables in front of their bytes. [Engine.Make] does all of
// it in one process.
//
// The packages below do the work, each importing downwards only: probe (a segment's file), sound (levels and
// mix), plan (all decisions), render (one slice).
//
// The package depends on no database and no queue. Footage that cannot be decoded is never padded: it becomes
// a [Damage], which leads to a new plan with a gap and its cause.
package merge
