package cause

// areaPresence is the section of causes that explain what a stretch of the screen source shows.
const areaPresence = "presence"

// Causes of the verdict on a picture. Percentages are of the area of the picture unless a comment says otherwise.
const (
	// CodeDetail means that a picture has detail, as slides and moving pictures do.
	CodeDetail Code = "picture-detail"
	// CodePlainColour names a background of one colour.
	CodePlainColour Code = "plain-colour"
	// CodePlainGradient names a background that varies along one direction.
	CodePlainGradient Code = "plain-gradient"
	// CodePlainRadialGradient names a background that varies with the distance from its centre.
	CodePlainRadialGradient Code = "plain-radial-gradient"
	// CodePlainShading names a background that is shaded between its corners.
	CodePlainShading Code = "plain-shading"
	// CodeBackgroundOnly means that a background explains the picture but for a small rest.
	CodeBackgroundOnly Code = "background-only"
	// CodeSomethingOnBackground means that something lies on a background.
	CodeSomethingOnBackground Code = "something-on-background"
	// CodeNoise means that the picture is noise.
	CodeNoise Code = "noise"
	// CodeColourBars means that the picture shows colour bars.
	CodeColourBars Code = "colour-bars"
	// CodeStripes means that the picture shows stripes, grey steps or a multiburst.
	CodeStripes Code = "stripes"
	// CodeTurned means that the picture shows a pattern turned by a quarter.
	CodeTurned Code = "turned-pattern"
	// CodeCard means that the picture shows a known card.
	CodeCard Code = "card"
	// CodeCircleCard means that the picture shows a test card with a large circle.
	CodeCircleCard Code = "circle-card"
	// CodeCrosshatch means that the picture shows a crosshatch.
	CodeCrosshatch Code = "crosshatch"
	// CodeCheckerboard means that the picture shows a checkerboard.
	CodeCheckerboard Code = "checkerboard"
	// CodeInBlackBars means that the inner cause holds inside black bars.
	CodeInBlackBars Code = "in-black-bars"
	// CodeInBlackBarsAndMore means that something lies on the black bars, too.
	CodeInBlackBarsAndMore Code = "in-black-bars-and-more"
	// CodeNoSignalSplash means that the picture says that there is no signal.
	CodeNoSignalSplash Code = "no-signal-splash"
	// CodeLabelOnBackground means that the picture shows only the label of an input, camera or mode.
	CodeLabelOnBackground Code = "label-on-background"
	// CodeTextOnBackground means that the picture shows text on a background.
	CodeTextOnBackground Code = "text-on-background"
	// CodeClockOnBackground means that the picture shows only a clock.
	CodeClockOnBackground Code = "clock-on-background"
	// CodeWanderingOverlay means that what lies on the background moves about.
	CodeWanderingOverlay Code = "wandering-overlay"
	// CodeRunningOverlay means that what lies on the background changes in place, as a clock does.
	CodeRunningOverlay Code = "running-overlay"
	// CodeTextNotRead means that the inner cause holds, and that no text could be read.
	CodeTextNotRead Code = "text-not-read"
	// CodePictureText means that a picture with detail shows text.
	CodePictureText Code = "picture-text"
)

// Detail returns the cause of a picture with detail in percent of its blocks.
func Detail(percent float64) Cause {
	return newCause(CodeDetail, Number("percent", percent))
}

// PlainColour returns the name of a background: an English colour word and its value as #rrggbb.
func PlainColour(colour, value string) Cause {
	return newCause(CodePlainColour, Text("colour", colour), Text("value", value))
}

// PlainGradient returns the name of a background that varies along one direction.
func PlainGradient() Cause { return newCause(CodePlainGradient) }

// PlainRadialGradient returns the name of a background that varies with the distance from its centre.
func PlainRadialGradient() Cause { return newCause(CodePlainRadialGradient) }

// PlainShading returns the name of a background that is shaded between its corners.
func PlainShading() Cause { return newCause(CodePlainShading) }

// BackgroundOnly returns the cause of a picture that a background explains but for percent of it.
func BackgroundOnly(background Cause, percent float64) Cause {
	return newCause(CodeBackgroundOnly, Of("background", background), Number("percent", percent))
}

// SomethingOnBackground returns the cause of a picture with something on percent of a background.
func SomethingOnBackground(background Cause, percent float64) Cause {
	return newCause(
		CodeSomethingOnBackground,
		Of("background", background),
		Number("percent", percent),
	)
}

// Noise returns the cause of a picture of noise with a standard deviation in levels.
func Noise(levels int) Cause {
	return newCause(CodeNoise, Int("levels", levels))
}

// ColourBars returns the cause of a picture with a number of bars over percent of its height.
func ColourBars(bars, percent int) Cause {
	return newCause(CodeColourBars, Int("bars", bars), Int("percent", percent))
}

// Stripes returns the cause of a picture with stripes over percent of its height.
func Stripes(percent int) Cause {
	return newCause(CodeStripes, Int("percent", percent))
}

// Turned returns the cause of a pattern that is turned by a quarter.
func Turned(pattern Cause) Cause {
	return newCause(CodeTurned, Of("pattern", pattern))
}

// Card returns the cause of a picture that shows percent of a named card.
func Card(name string, percent int) Cause {
	return newCause(CodeCard, Text("card", name), Int("percent", percent))
}

// CircleCard returns the cause of a test card with a circle. diameter is in percent of the height, seen in
// percent of the circle.
func CircleCard(diameter, seen, stripes int) Cause {
	return newCause(
		CodeCircleCard,
		Int("diameter", diameter),
		Int("seen", seen),
		Int("stripes", stripes),
	)
}

// Crosshatch returns the cause of a crosshatch with a number of lines in each direction.
func Crosshatch(across, down int) Cause {
	return newCause(CodeCrosshatch, Int("across", across), Int("down", down))
}

// Checkerboard returns the cause of a checkerboard with a number of fields in each direction.
func Checkerboard(across, down int) Cause {
	return newCause(CodeCheckerboard, Int("across", across), Int("down", down))
}

// InBlackBars returns the cause of a picture that shows inner inside black bars.
func InBlackBars(inner Cause) Cause {
	return newCause(CodeInBlackBars, Of("inner", inner))
}

// InBlackBarsAndMore returns the cause of a picture that shows inner inside black bars, and more on them.
func InBlackBarsAndMore(inner Cause) Cause {
	return newCause(CodeInBlackBarsAndMore, Of("inner", inner))
}

// NoSignalSplash returns the cause of a picture whose text says that there is no signal.
func NoSignalSplash(text string) Cause {
	return newCause(CodeNoSignalSplash, Text("text", text))
}

// LabelOnBackground returns the cause of a picture with nothing but a label.
func LabelOnBackground(background Cause, text string) Cause {
	return newCause(CodeLabelOnBackground, Of("background", background), Text("text", text))
}

// TextOnBackground returns the cause of a picture with text.
func TextOnBackground(background Cause, text string) Cause {
	return newCause(CodeTextOnBackground, Of("background", background), Text("text", text))
}

// ClockOnBackground returns the cause of a picture with nothing but a clock.
func ClockOnBackground(background Cause, text string) Cause {
	return newCause(CodeClockOnBackground, Of("background", background), Text("text", text))
}

// WanderingOverlay returns the cause of a stretch in which something moves about on a background.
func WanderingOverlay(background Cause) Cause {
	return newCause(CodeWanderingOverlay, Of("background", background))
}

// RunningOverlay returns the cause of a stretch in which something small changes in place.
func RunningOverlay(background Cause) Cause {
	return newCause(CodeRunningOverlay, Of("background", background))
}

// TextNotRead returns the inner cause with the note that no text could be read.
func TextNotRead(inner Cause) Cause {
	return newCause(CodeTextNotRead, Of("inner", inner))
}

// PictureText returns the cause of a picture with detail that shows text.
func PictureText(picture Cause, text string) Cause {
	return newCause(CodePictureText, Of("picture", picture), Text("text", text))
}

func presenceSpecs() []Spec {
	background := Param{"background", KindCause}
	inner := Param{"inner", KindCause}
	percent := Param{"percent", KindInt}
	share := Param{"percent", KindNumber}
	text := Param{"text", KindText}
	across, down := Param{"across", KindInt}, Param{"down", KindInt}
	return []Spec{
		spec(areaPresence, CodeDetail, share),
		spec(areaPresence, CodePlainColour, Param{"colour", KindText}, Param{"value", KindText}),
		spec(areaPresence, CodePlainGradient),
		spec(areaPresence, CodePlainRadialGradient),
		spec(areaPresence, CodePlainShading),
		spec(areaPresence, CodeBackgroundOnly, background, share),
		spec(areaPresence, CodeSomethingOnBackground, background, share),
		spec(areaPresence, CodeNoise, Param{"levels", KindInt}),
		spec(areaPresence, CodeColourBars, Param{"bars", KindInt}, percent),
		spec(areaPresence, CodeStripes, percent),
		spec(areaPresence, CodeTurned, Param{"pattern", KindCause}),
		spec(areaPresence, CodeCard, Param{"card", KindText}, percent),
		spec(areaPresence, CodeCircleCard,
			Param{"diameter", KindInt}, Param{"seen", KindInt}, Param{"stripes", KindInt}),
		spec(areaPresence, CodeCrosshatch, across, down),
		spec(areaPresence, CodeCheckerboard, across, down),
		spec(areaPresence, CodeInBlackBars, inner),
		spec(areaPresence, CodeInBlackBarsAndMore, inner),
		spec(areaPresence, CodeNoSignalSplash, text),
		spec(areaPresence, CodeLabelOnBackground, background, text),
		spec(areaPresence, CodeTextOnBackground, background, text),
		spec(areaPresence, CodeClockOnBackground, background, text),
		spec(areaPresence, CodeWanderingOverlay, background),
		spec(areaPresence, CodeRunningOverlay, background),
		spec(areaPresence, CodeTextNotRead, inner),
		spec(areaPresence, CodePictureText, Param{"picture", KindCause}, text),
	}
}
