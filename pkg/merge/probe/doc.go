// Package probe finds out what a segment holds: it reads a file's sample tables, lists which pictures
// and which sound of it can be used, and judges what the screen source shows.
//
// Faults of a file are part of the answer. An error means that the file could not be read.
package probe
