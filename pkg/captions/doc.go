// Package captions makes captions and a transcript of recognised words. It is pure: it starts no process
// and reads no file.
//
// [Speech] finds where a voice is heard, and [Chunks] cuts the sound there for a recogniser. [Join] puts
// the words of the chunks together, and [Gate] drops what was recognised where no voice is heard. [Cues]
// lays the words out, [WriteVTT] writes them as WebVTT and [Transcript] as plain text.
//
// All times count from the start of the record.
package captions
