package cause

import "time"

// areaMedia is the section of causes about files, gaps, stretches and sound.
const areaMedia = "media"

// Causes of gaps.
const (
	// CodeNoFile means that the recorder left no file for the stretch.
	CodeNoFile Code = "no-file"
	// CodeFileEndsEarly means that the file holds fewer seconds than its slot.
	CodeFileEndsEarly Code = "file-ends-early"
)

// NoFile returns the cause of a stretch for which no file was recorded.
func NoFile() Cause { return newCause(CodeNoFile) }

// FileEndsEarly returns the cause of a file that holds has seconds of want.
func FileEndsEarly(has, want time.Duration) Cause {
	return newCause(CodeFileEndsEarly, Seconds("has", has), Seconds("want", want))
}

func mediaSpecs() []Spec {
	return []Spec{
		spec(areaMedia, CodeNoFile),
		spec(areaMedia, CodeFileEndsEarly, Param{"has", KindSeconds}, Param{"want", KindSeconds}),
	}
}
