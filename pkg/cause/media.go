package cause

import "time"

// areaMedia is the section of causes about files, gaps, stretches and sound.
const areaMedia = "media"

// Causes of gaps.
const (
	// CodeNoFile means that the recorder left no file for the stretch.
	CodeNoFile Code = "no-file"
	// CodeWithheld means that a calendar event asks for no recording at that time.
	CodeWithheld Code = "withheld"
	// CodeFileEndsEarly means that the file holds fewer seconds than its slot.
	CodeFileEndsEarly Code = "file-ends-early"
	// CodeNoPictureThere means that the file holds no picture for the stretch.
	CodeNoPictureThere Code = "no-picture-there"
	// CodeNoPictureTrack means that the file has no picture track.
	CodeNoPictureTrack Code = "no-picture-track"
	// CodeFileCutOff means that the file ends in the middle of its media.
	CodeFileCutOff Code = "file-cut-off"
	// CodePicturesDamaged means that pictures of the stretch cannot be decoded.
	CodePicturesDamaged Code = "pictures-damaged"
	// CodePictureHeld means that the last whole picture is shown in place of damaged ones.
	CodePictureHeld Code = "picture-held"
	// CodeDecoderStalled means that the decoder stands still at pictures of the stretch.
	CodeDecoderStalled Code = "decoder-stalled"
	// CodeBeforeKeyFrame means that the stretch lies before the first key frame of its file.
	CodeBeforeKeyFrame Code = "before-key-frame"
	// CodeTimestampsJump means that the timestamps jump, so that the time of what follows is unknown.
	CodeTimestampsJump Code = "timestamps-jump"
	// CodeNoSoundThere means that the file holds no sound for the stretch.
	CodeNoSoundThere Code = "no-sound-there"
	// CodeNoSoundTrack means that the file has no sound track.
	CodeNoSoundTrack Code = "no-sound-track"
)

// Causes of files that cannot be read.
const (
	// CodeFileStopsWorkers means that workers died in a row while they read the file, so that it is left out.
	CodeFileStopsWorkers Code = "file-stops-workers"
	// CodeFileEmpty means that the file has no bytes.
	CodeFileEmpty Code = "file-empty"
	// CodeFileNoIndex means that the file has no index (moov).
	CodeFileNoIndex Code = "file-no-index"
	// CodeFileNotMP4 means that the file is of another format.
	CodeFileNotMP4 Code = "file-not-mp4"
	// CodeFileNoMedia means that the file holds neither pictures nor sound.
	CodeFileNoMedia Code = "file-no-media"
	// CodeFileIndexDamaged means that the index of the file is malformed.
	CodeFileIndexDamaged Code = "file-index-damaged"
	// CodeFileExternal means that the file refers to media in other files.
	CodeFileExternal Code = "file-external"
)

// Causes of faults of files.
const (
	// CodeJumpAfter means that timestamps jump at a time since the start of the file.
	CodeJumpAfter Code = "jump-after"
	// CodeOddLength means that the file is shorter or longer than its slot.
	CodeOddLength Code = "odd-length"
	// CodePicturesBeyondEnd means that the index lists pictures beyond the end of the file.
	CodePicturesBeyondEnd Code = "pictures-beyond-end"
	// CodeOtherCodec means that the pictures are not H.264.
	CodeOtherCodec Code = "other-codec"
	// CodeFormatChanges means that the format of the pictures changes inside the file.
	CodeFormatChanges Code = "format-changes"
	// CodeUndecodablePictures means that pictures between two times of the file cannot be decoded.
	CodeUndecodablePictures Code = "undecodable-pictures"
	// CodeStalledPictures means that the decoder stands still at pictures between two times of the file.
	CodeStalledPictures Code = "stalled-pictures"
	// CodeNoKeyFrame means that the file does not begin with a key frame.
	CodeNoKeyFrame Code = "no-key-frame"
	// CodeNoUsablePicture means that no picture of the file can be used.
	CodeNoUsablePicture Code = "no-usable-picture"
	// CodeUndecodableSound means that part of the sound cannot be decoded.
	CodeUndecodableSound Code = "undecodable-sound"
	// CodeBetterFile means that another file of the same slot shows more.
	CodeBetterFile Code = "better-file"
)

// Causes of ignored files.
const (
	// CodeOtherRoom means that the file is of another room.
	CodeOtherRoom Code = "other-room"
	// CodeOtherTime means that the file lies outside the record.
	CodeOtherTime Code = "other-time"
	// CodeSourceNotWanted means that the source was not asked for.
	CodeSourceNotWanted Code = "source-not-wanted"
	// CodeNoSuchTime means that the clock was put forward over the time in the name.
	CodeNoSuchTime Code = "no-such-time"
	// CodeNotRegularFile means that the name belongs to something else than a file.
	CodeNotRegularFile Code = "not-regular-file"
	// CodeNotSegmentName means that the name is not that of a segment.
	CodeNotSegmentName Code = "not-segment-name"
)

// Causes of layouts.
const (
	// CodeBecause means that several reasons hold together.
	CodeBecause Code = "because"
	// CodeSourceRecorded means that a source was recorded.
	CodeSourceRecorded Code = "source-recorded"
	// CodeSourceAbsent means that the room has no such source.
	CodeSourceAbsent Code = "source-absent"
	// CodeSourceMissing means that a source is missing for a stretch.
	CodeSourceMissing Code = "source-missing"
	// CodeSourceUncovered means that nothing is known of a source for a stretch.
	CodeSourceUncovered Code = "source-uncovered"
	// CodeSourceInterrupted means that a source is missing for a moment, which leaves the layout.
	CodeSourceInterrupted Code = "source-interrupted"
	// CodeScreenJudged means that the screen was judged by what it shows.
	CodeScreenJudged Code = "screen-judged"
	// CodeScreenSeen means that the judge of the screen decided by what it saw.
	CodeScreenSeen Code = "screen-seen"
	// CodeNeverJudged means that the screen was not judged.
	CodeNeverJudged Code = "never-judged"
	// CodePresentationFor means that the screen shows a presentation for part of the half hour.
	CodePresentationFor Code = "presentation-for"
)

// Causes of the choice of sound.
const (
	// CodeNoSound means that no source of the record has sound.
	CodeNoSound Code = "no-sound"
	// CodeNoSoundHere means that no source has sound in the stretch.
	CodeNoSoundHere Code = "no-sound-here"
	// CodeSoundSource means that the wanted source is heard.
	CodeSoundSource Code = "sound-source"
	// CodeSoundStandsIn means that another source is heard because the wanted one has no sound.
	CodeSoundStandsIn Code = "sound-stands-in"
	// CodeSoundSilent means that the sound is too quiet to be heard.
	CodeSoundSilent Code = "sound-silent"
	// CodeSoundConstant means that the sound holds nothing but a constant.
	CodeSoundConstant Code = "sound-constant"
	// CodeSoundNoise means that the sound is a noise without speech.
	CodeSoundNoise Code = "sound-noise"
	// CodeSoundStandsInSilent means that another source is heard because the wanted one is silent.
	CodeSoundStandsInSilent Code = "sound-stands-in-silent"
)

// NoFile returns the cause of a stretch for which no file was recorded.
func NoFile() Cause { return newCause(CodeNoFile) }

// Withheld returns the cause of a stretch that a calendar event asks not to record.
func Withheld() Cause { return newCause(CodeWithheld) }

// FileEndsEarly returns the cause of a file that holds has seconds of want.
func FileEndsEarly(has, want time.Duration) Cause {
	return newCause(CodeFileEndsEarly, Seconds("has", has), Seconds("want", want))
}

// NoPictureThere reports that the file holds no picture for the stretch.
func NoPictureThere() Cause { return newCause(CodeNoPictureThere) }

// NoPictureTrack reports that the file has no picture track.
func NoPictureTrack() Cause { return newCause(CodeNoPictureTrack) }

// FileCutOff reports that the file ends in the middle of its media.
func FileCutOff() Cause { return newCause(CodeFileCutOff) }

// PicturesDamaged reports that pictures of the stretch cannot be decoded.
func PicturesDamaged() Cause { return newCause(CodePicturesDamaged) }

// BeforeKeyFrame reports that the stretch lies before the first key frame of its file.
func BeforeKeyFrame() Cause { return newCause(CodeBeforeKeyFrame) }

// TimestampsJump reports that the timestamps jump, so that the time of what follows is unknown.
func TimestampsJump() Cause { return newCause(CodeTimestampsJump) }

// NoSoundThere reports that the file holds no sound for the stretch.
func NoSoundThere() Cause { return newCause(CodeNoSoundThere) }

// NoSoundTrack reports that the file has no sound track.
func NoSoundTrack() Cause { return newCause(CodeNoSoundTrack) }

// FileStopsWorkers reports that workers died in a row while they read the file.
func FileStopsWorkers() Cause { return newCause(CodeFileStopsWorkers) }

// FileEmpty reports that the file has no bytes.
func FileEmpty() Cause { return newCause(CodeFileEmpty) }

// FileNoIndex reports that the file has no index (moov).
func FileNoIndex() Cause { return newCause(CodeFileNoIndex) }

// FileNotMP4 reports that the file is of another format.
func FileNotMP4() Cause { return newCause(CodeFileNotMP4) }

// FileNoMedia reports that the file holds neither pictures nor sound.
func FileNoMedia() Cause { return newCause(CodeFileNoMedia) }

// FileIndexDamaged reports that the index of the file is malformed.
func FileIndexDamaged() Cause { return newCause(CodeFileIndexDamaged) }

// JumpAfter reports that timestamps jump at a time since the start of the file.
func JumpAfter(at time.Duration) Cause {
	return newCause(CodeJumpAfter, Seconds("at", at))
}

// OddLength reports that the file is shorter or longer than its slot.
func OddLength(has, want time.Duration) Cause {
	return newCause(CodeOddLength, Seconds("has", has), Seconds("want", want))
}

// PicturesBeyondEnd reports that the index lists pictures beyond the end of the file.
func PicturesBeyondEnd(lost, all int) Cause {
	return newCause(CodePicturesBeyondEnd, Int("lost", lost), Int("all", all))
}

// OtherCodec reports that the pictures are not H.264.
func OtherCodec(codec string) Cause {
	return newCause(CodeOtherCodec, Text("codec", codec))
}

// FormatChanges reports that the format of the pictures changes inside the file.
func FormatChanges() Cause { return newCause(CodeFormatChanges) }

// UndecodablePictures reports that pictures between two times of the file cannot be decoded.
func UndecodablePictures(from, until time.Duration) Cause {
	return newCause(CodeUndecodablePictures, Seconds("from", from), Seconds("until", until))
}

// StalledPictures reports that the decoder stands still at pictures between two times of the file.
func StalledPictures(from, until time.Duration) Cause {
	return newCause(CodeStalledPictures, Seconds("from", from), Seconds("until", until))
}

// PictureHeld reports that the last whole picture is shown in place of damaged ones.
func PictureHeld() Cause { return newCause(CodePictureHeld) }

// DecoderStalled reports that the decoder stands still at pictures of the stretch.
func DecoderStalled() Cause { return newCause(CodeDecoderStalled) }

// FileExternal reports that the file refers to media in other files.
func FileExternal() Cause { return newCause(CodeFileExternal) }

// NoKeyFrame reports that the file does not begin with a key frame.
func NoKeyFrame() Cause { return newCause(CodeNoKeyFrame) }

// NoUsablePicture reports that no picture of the file can be used.
func NoUsablePicture() Cause { return newCause(CodeNoUsablePicture) }

// UndecodableSound reports that part of the sound cannot be decoded.
func UndecodableSound(length time.Duration) Cause {
	return newCause(CodeUndecodableSound, Seconds("for", length))
}

// BetterFile reports that another file of the same slot shows more.
func BetterFile(file string) Cause {
	return newCause(CodeBetterFile, Text("file", file))
}

// OtherRoom reports that the file is of another room.
func OtherRoom() Cause { return newCause(CodeOtherRoom) }

// OtherTime reports that the file lies outside the record.
func OtherTime() Cause { return newCause(CodeOtherTime) }

// SourceNotWanted reports that the source was not asked for.
func SourceNotWanted() Cause { return newCause(CodeSourceNotWanted) }

// NoSuchTime reports that the clock was put forward over the time in the name.
func NoSuchTime() Cause { return newCause(CodeNoSuchTime) }

// NotRegularFile reports that the name belongs to something else than a file.
func NotRegularFile() Cause { return newCause(CodeNotRegularFile) }

// NotSegmentName reports that the name is not that of a segment.
func NotSegmentName() Cause { return newCause(CodeNotSegmentName) }

// Because joins several reasons.
func Because(causes ...Cause) Cause {
	return newCause(CodeBecause, List("causes", causes...))
}

// SourceRecorded reports that a source was recorded.
func SourceRecorded(role string) Cause {
	return newCause(CodeSourceRecorded, Text("role", role))
}

// SourceAbsent reports that the room has no such source.
func SourceAbsent(role string) Cause {
	return newCause(CodeSourceAbsent, Text("role", role))
}

// SourceMissing reports that a source is missing for a stretch.
func SourceMissing(role string, why Cause) Cause {
	return newCause(CodeSourceMissing, Text("role", role), Of("cause", why))
}

// SourceUncovered reports that nothing is known of a source for a stretch.
func SourceUncovered(role string) Cause {
	return newCause(CodeSourceUncovered, Text("role", role))
}

// SourceInterrupted reports that a source is missing for a moment, which leaves the layout.
func SourceInterrupted(role string, why Cause) Cause {
	return newCause(CodeSourceInterrupted, Text("role", role), Of("cause", why))
}

// ScreenJudged reports that the screen was judged by what it shows.
func ScreenJudged(why Cause) Cause {
	return newCause(CodeScreenJudged, Of("cause", why))
}

// ScreenSeen reports that the judge of the screen decided by what it saw. Former versions stored its words.
func ScreenSeen(seen Cause) Cause {
	return newCause(CodeScreenSeen, Of("seen", seen))
}

// NeverJudged reports that the screen was not judged.
func NeverJudged() Cause { return newCause(CodeNeverJudged) }

// PresentationFor reports that the screen shows a presentation for part of the half hour.
func PresentationFor(length time.Duration) Cause {
	return newCause(CodePresentationFor, Seconds("for", length))
}

// NoSound reports that no source of the record has sound.
func NoSound() Cause { return newCause(CodeNoSound) }

// NoSoundHere reports that no source has sound in the stretch.
func NoSoundHere() Cause { return newCause(CodeNoSoundHere) }

// SoundSource reports that the wanted source is heard.
func SoundSource(source string) Cause {
	return newCause(CodeSoundSource, Text("source", source))
}

// SoundStandsIn reports that another source is heard because the wanted one has no sound.
func SoundStandsIn(source, other string) Cause {
	return newCause(CodeSoundStandsIn, Text("source", source), Text("other", other))
}

// SoundStandsInSilent reports that another source is heard because the wanted one is silent.
func SoundStandsInSilent(source, other string) Cause {
	return newCause(CodeSoundStandsInSilent, Text("source", source), Text("other", other))
}

// SoundSilent reports that the sound is too quiet to be heard.
func SoundSilent() Cause { return newCause(CodeSoundSilent) }

// SoundConstant reports that the sound holds nothing but a constant.
func SoundConstant() Cause { return newCause(CodeSoundConstant) }

// SoundNoise reports that the sound is a noise without speech.
func SoundNoise() Cause { return newCause(CodeSoundNoise) }

func mediaSpecs() []Spec {
	return []Spec{
		spec(areaMedia, CodeNoFile),
		spec(areaMedia, CodeWithheld),
		spec(areaMedia, CodeFileEndsEarly, Param{"has", KindSeconds}, Param{"want", KindSeconds}),
		spec(areaMedia, CodeNoPictureThere),
		spec(areaMedia, CodeNoPictureTrack),
		spec(areaMedia, CodeFileCutOff),
		spec(areaMedia, CodePicturesDamaged),
		spec(areaMedia, CodePictureHeld),
		spec(areaMedia, CodeDecoderStalled),
		spec(areaMedia, CodeBeforeKeyFrame),
		spec(areaMedia, CodeTimestampsJump),
		spec(areaMedia, CodeNoSoundThere),
		spec(areaMedia, CodeNoSoundTrack),
		spec(areaMedia, CodeFileStopsWorkers),
		spec(areaMedia, CodeFileEmpty),
		spec(areaMedia, CodeFileNoIndex),
		spec(areaMedia, CodeFileNotMP4),
		spec(areaMedia, CodeFileNoMedia),
		spec(areaMedia, CodeFileIndexDamaged),
		spec(areaMedia, CodeFileExternal),
		spec(areaMedia, CodeJumpAfter, Param{"at", KindSeconds}),
		spec(areaMedia, CodeOddLength, Param{"has", KindSeconds}, Param{"want", KindSeconds}),
		spec(areaMedia, CodePicturesBeyondEnd, Param{"lost", KindInt}, Param{"all", KindInt}),
		spec(areaMedia, CodeOtherCodec, Param{"codec", KindText}),
		spec(areaMedia, CodeFormatChanges),
		spec(areaMedia, CodeUndecodablePictures, Param{"from", KindSeconds}, Param{"until", KindSeconds}),
		spec(areaMedia, CodeStalledPictures, Param{"from", KindSeconds}, Param{"until", KindSeconds}),
		spec(areaMedia, CodeNoKeyFrame),
		spec(areaMedia, CodeNoUsablePicture),
		spec(areaMedia, CodeUndecodableSound, Param{"for", KindSeconds}),
		spec(areaMedia, CodeBetterFile, Param{"file", KindText}),
		spec(areaMedia, CodeOtherRoom),
		spec(areaMedia, CodeOtherTime),
		spec(areaMedia, CodeSourceNotWanted),
		spec(areaMedia, CodeNoSuchTime),
		spec(areaMedia, CodeNotRegularFile),
		spec(areaMedia, CodeNotSegmentName),
		spec(areaMedia, CodeBecause, Param{"causes", KindList}),
		spec(areaMedia, CodeSourceRecorded, Param{"role", KindText}),
		spec(areaMedia, CodeSourceAbsent, Param{"role", KindText}),
		spec(areaMedia, CodeSourceMissing, Param{"role", KindText}, Param{"cause", KindCause}),
		spec(areaMedia, CodeSourceUncovered, Param{"role", KindText}),
		spec(areaMedia, CodeSourceInterrupted, Param{"role", KindText}, Param{"cause", KindCause}),
		spec(areaMedia, CodeScreenJudged, Param{"cause", KindCause}),
		spec(areaMedia, CodeScreenSeen, Param{"seen", KindCause}),
		spec(areaMedia, CodeNeverJudged),
		spec(areaMedia, CodePresentationFor, Param{"for", KindSeconds}),
		spec(areaMedia, CodeNoSound),
		spec(areaMedia, CodeNoSoundHere),
		spec(areaMedia, CodeSoundSource, Param{"source", KindText}),
		spec(areaMedia, CodeSoundStandsIn, Param{"source", KindText}, Param{"other", KindText}),
		spec(areaMedia, CodeSoundSilent),
		spec(areaMedia, CodeSoundConstant),
		spec(areaMedia, CodeSoundNoise),
		spec(areaMedia, CodeSoundStandsInSilent, Param{"source", KindText}, Param{"other", KindText}),
	}
}
