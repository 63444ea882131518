package cause

// Causes of warnings: what was changed in a source, or is doubtful about it, while it is shown and heard.
// Programs outside read these codes.
const (
	// CodeSoundReplaced means that another source is heard because the wanted one has no speech.
	CodeSoundReplaced Code = "sound-replaced"
	// CodeSoundMissing means that nothing is heard in the stretch.
	CodeSoundMissing Code = "sound-missing"
	// CodeSoundTrackUnused means that the file has another sound track, which is not heard.
	CodeSoundTrackUnused Code = "sound-track-unused"
	// CodeChannelDead means that a channel is silent, and the others stand in for it.
	CodeChannelDead Code = "channel-dead"
	// CodeChannelInverted means that two channels cancel each other, so that one is inverted or left out.
	CodeChannelInverted Code = "channel-inverted"
	// CodeChannelLFE means that the voice stands on the channel for low frequencies.
	CodeChannelLFE Code = "channel-lfe"
	// CodeHum means that the source holds a hum and no speech.
	CodeHum Code = "hum"
	// CodeClockDrift means that the recorder's clock runs wrong, and the sound was resampled.
	CodeClockDrift Code = "clock-drift"
	// CodeLoudnessMissed means that the video is louder or fainter than was asked for.
	CodeLoudnessMissed Code = "loudness-missed"
	// CodeLevelsRaised means that quiet speech was raised.
	CodeLevelsRaised Code = "levels-raised"
	// CodePictureFrozen means that the same picture stands while the sound goes on.
	CodePictureFrozen Code = "picture-frozen"
	// CodePictureBlack means that the picture is of one colour.
	CodePictureBlack Code = "picture-black"
	// CodePictureRepaired means that small parts of pictures were made up by the decoder.
	CodePictureRepaired Code = "picture-repaired"
	// CodePictureTrackUnused means that the file has another picture track, which is not shown.
	CodePictureTrackUnused Code = "picture-track-unused"
	// CodeInterlaced means that the source was recorded in half pictures, which were made whole.
	CodeInterlaced Code = "interlaced"
	// CodeShapeGuessed means that the shape of the picture was told by its size.
	CodeShapeGuessed Code = "shape-guessed"
	// CodeSlidesUnread means that the slides could not be found or read. The video is not affected.
	CodeSlidesUnread Code = "slides-unread"
)

// SoundReplaced reports that the source other is heard because source has no speech: why is what it has.
func SoundReplaced(source, other string, why Cause) Cause {
	return newCause(CodeSoundReplaced, Text("source", source), Text("other", other), Of("why", why))
}

// SoundMissing reports that nothing is heard.
func SoundMissing() Cause { return newCause(CodeSoundMissing) }

// SlidesUnread reports that the slides could not be found or read.
func SlidesUnread() Cause { return newCause(CodeSlidesUnread) }

// SoundTrackUnused reports that the sound track with the number, from 1, is not heard.
func SoundTrackUnused(track int) Cause {
	return newCause(CodeSoundTrackUnused, Int("track", track))
}

// ChannelDead reports that the channel with the number, from 1, is silent.
func ChannelDead(channel int) Cause {
	return newCause(CodeChannelDead, Int("channel", channel))
}

// ChannelInverted reports that the channel with the number, from 1, cancels the others.
func ChannelInverted(channel int) Cause {
	return newCause(CodeChannelInverted, Int("channel", channel))
}

// ChannelLFE reports that the voice stands on the channel for low frequencies.
func ChannelLFE() Cause { return newCause(CodeChannelLFE) }

// Hum reports a hum without speech.
func Hum() Cause { return newCause(CodeHum) }

// ClockDrift reports that the recorder's clock is off by so many parts in a million: positive is fast.
func ClockDrift(ppm int) Cause {
	return newCause(CodeClockDrift, Int("ppm", ppm))
}

// LoudnessMissed reports the loudness that was asked for and that came out, in LUFS.
func LoudnessMissed(want, got float64) Cause {
	return newCause(CodeLoudnessMissed, Number("want", want), Number("got", got))
}

// LevelsRaised reports that so many seconds of quiet speech were raised, by up to db decibels.
func LevelsRaised(seconds, db int) Cause {
	return newCause(CodeLevelsRaised, Int("seconds", seconds), Int("db", db))
}

// PictureFrozen reports that the same picture stands while the sound goes on.
func PictureFrozen() Cause { return newCause(CodePictureFrozen) }

// PictureBlack reports that the picture is of one colour.
func PictureBlack() Cause { return newCause(CodePictureBlack) }

// PictureRepaired reports that small parts of pictures were made up by the decoder.
func PictureRepaired() Cause { return newCause(CodePictureRepaired) }

// PictureTrackUnused reports that a picture track of width x height pixels is not shown.
func PictureTrackUnused(width, height int) Cause {
	return newCause(CodePictureTrackUnused, Int("width", width), Int("height", height))
}

// Interlaced reports that the source was recorded in half pictures.
func Interlaced() Cause { return newCause(CodeInterlaced) }

// ShapeGuessed reports that pictures of width x height pixels are taken to have the shape, for example 16:9.
func ShapeGuessed(width, height int, shape string) Cause {
	return newCause(CodeShapeGuessed, Int("width", width), Int("height", height), Text("shape", shape))
}

func warningSpecs() []Spec {
	return []Spec{
		spec(
			areaMedia, CodeSoundReplaced,
			Param{"source", KindText}, Param{"other", KindText}, Param{"why", KindCause},
		),
		spec(areaMedia, CodeSoundMissing),
		spec(areaMedia, CodeSoundTrackUnused, Param{"track", KindInt}),
		spec(areaMedia, CodeChannelDead, Param{"channel", KindInt}),
		spec(areaMedia, CodeChannelInverted, Param{"channel", KindInt}),
		spec(areaMedia, CodeChannelLFE),
		spec(areaMedia, CodeHum),
		spec(areaMedia, CodeSlidesUnread),
		spec(areaMedia, CodeClockDrift, Param{"ppm", KindInt}),
		spec(areaMedia, CodeLoudnessMissed, Param{"want", KindNumber}, Param{"got", KindNumber}),
		spec(areaMedia, CodeLevelsRaised, Param{"seconds", KindInt}, Param{"db", KindInt}),
		spec(areaMedia, CodePictureFrozen),
		spec(areaMedia, CodePictureBlack),
		spec(areaMedia, CodePictureRepaired),
		spec(areaMedia, CodePictureTrackUnused, Param{"width", KindInt}, Param{"height", KindInt}),
		spec(areaMedia, CodeInterlaced),
		spec(
			areaMedia, CodeShapeGuessed,
			Param{"width", KindInt}, Param{"height", KindInt}, Param{"shape", KindText},
		),
	}
}
