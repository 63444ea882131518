// Package pkg is the map of the packages below it, in the order of imports.txt: each may import only
// what stands above it.
//
//	nvr                  words of the recorder: roles, segment names, room time
//	fault                errors that are decisions: permanent, later, stale
//	ffmpeg               typed values → FFmpeg → pictures, samples, packets
//	mp4                  sample tables of an MP4 file, read and written
//	footage              segments as byte ranges; the loopback proxy FFmpeg reads them from
//	timeline             a record laid over its segments, in frames; holes and their causes
//	ocr                  reads the words in a picture with Tesseract
//	presence             presentation or canvas? verdicts over the pictures of a screen source
//	merge                plan → slices → parts → the finished video
//	report               what was done and why, as JSON, text and a page
//	localcloud/recorder/truth  what footage says about itself, and its reader
//	localcloud/recorder  makes footage as a room's recorder would, faults included
package pkg
