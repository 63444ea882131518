// Package render makes a part of one slice of a plan: it decodes what each pane shows, composes the frames,
// mixes the sound and encodes both, once.
//
// Nothing that the plan calls footage is ever padded. Every picture that comes out of a decoder is compared
// with the file's sample table, and what is missing becomes a [probe.DamagedError].
package render
