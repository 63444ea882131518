package cause

// Causes of captions that a delivered video lacks.
const (
	// CodeCaptionsMissing means a video without captions, while they were asked for.
	CodeCaptionsMissing Code = "captions-missing"
	// CodeSpeechProgramMissing means a machine without the speech recogniser.
	CodeSpeechProgramMissing Code = "speech-program-missing"
	// CodeSpeechModelMissing means a model of the speech recogniser that cannot be read.
	CodeSpeechModelMissing Code = "speech-model-missing"
	// CodeSpeechModelChanged means a model whose SHA-256 is not the expected one.
	CodeSpeechModelChanged Code = "speech-model-changed"
	// CodeSpeechTimeout means a speech recogniser that took longer than it may.
	CodeSpeechTimeout Code = "speech-timeout"
	// CodeSpeechFailed means a speech recogniser that failed, with the technical detail.
	CodeSpeechFailed Code = "speech-failed"
	// CodeCaptionsUnset means an installation without a speech recogniser, so that videos have no captions.
	CodeCaptionsUnset Code = "captions-unset"
)

// CaptionsMissing reports that the video has no captions, and why.
func CaptionsMissing(why Cause) Cause {
	return newCause(CodeCaptionsMissing, Of("why", why))
}

// SpeechProgramMissing reports a speech recogniser that is not installed.
func SpeechProgramMissing(program string) Cause {
	return newCause(CodeSpeechProgramMissing, Text("program", program))
}

// SpeechModelMissing reports a model file that cannot be read.
func SpeechModelMissing(file, detail string) Cause {
	return newCause(CodeSpeechModelMissing, Text("file", file), Text("detail", detail))
}

// SpeechModelChanged reports a model file whose SHA-256 is not the expected one.
func SpeechModelChanged(file, want, got string) Cause {
	return newCause(CodeSpeechModelChanged, Text("file", file), Text("want", want), Text("got", got))
}

// SpeechTimeout reports a speech recogniser that was ended because it took too long.
func SpeechTimeout(program string) Cause {
	return newCause(CodeSpeechTimeout, Text("program", program))
}

// SpeechFailed reports a speech recogniser that failed.
func SpeechFailed(detail string) Cause {
	return newCause(CodeSpeechFailed, Text("detail", detail))
}

// CaptionsUnset reports that no speech recogniser is set.
func CaptionsUnset() Cause { return newCause(CodeCaptionsUnset) }

func speechSpecs() []Spec {
	return []Spec{
		spec(areaMedia, CodeCaptionsMissing, Param{"why", KindCause}),
		spec(areaMedia, CodeSpeechProgramMissing, Param{"program", KindText}),
		spec(areaMedia, CodeSpeechModelMissing, Param{"file", KindText}, Param{"detail", KindText}),
		spec(areaMedia, CodeSpeechModelChanged,
			Param{"file", KindText}, Param{"want", KindText}, Param{"got", KindText}),
		spec(areaMedia, CodeSpeechTimeout, Param{"program", KindText}),
		spec(areaMedia, CodeSpeechFailed, Param{"detail", KindText}),
		spec(areaDoctor, CodeCaptionsUnset),
	}
}
