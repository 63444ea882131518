// Package probe finds out what a segment holds: it reads a file's sample tables, lists which pictures
// and which sound of it can be used, and judges what the screen source shows.
//
// Times in a file count from its zero: the earliest presented sample of any audio or video track, as
// [mp4.File.Zero] returns it. The wall clock of the zero is the minute in the file's name, corrected by the
// measured lag between recorders if there is one.
//
// Faults of a file are part of the answer. An error means that the file could not be read.
package probe
