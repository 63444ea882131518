// Package slides finds the slides in what a screen source shows, and their titles.
//
// It works on small pictures taken at known times ([Look]) and on words that were read elsewhere. It knows no
// files and no FFmpeg. A slide begins when a picture stands for 3 s that is not the one before with something
// added, moved or playing in it. Start with [Find] and [Read].
package slides
