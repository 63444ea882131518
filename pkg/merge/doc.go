// Package merge turns a record's segments into the finished video: survey, plan, render, join.
//
// Survey reads what each segment holds (sample tables, presence, loudness); [Plan] lays the record over it
// and fixes every decision, so that the same plan always gives the same frames; render makes a part
// of each slice in one pass, decoding and encoding every frame once; join puts the parts' sample
// tables in front of their bytes. [Engine.Make] is all of it in one process.
//
// It knows the plan, URLs on loopback and FFmpeg's pictures and samples. It knows no database, no
// topic and nobody who asked. Nothing that the plan calls footage is ever padded: every picture that
// comes out of a decoder is held against the sample table, and what is missing is a [Damage], which
// makes a new plan with a named hole.
package merge
