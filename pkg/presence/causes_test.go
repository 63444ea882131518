package presence_test

import (
	"testing"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
)

// english returns the published text of causes.
func english(causes []cause.Cause) string { return i18n.Default().For("en").Causes(causes) }

// TestPublishedTexts pins the English sentences that scripts and stored plans contain.
func TestPublishedTexts(t *testing.T) {
	t.Parallel()
	blue := cause.PlainColour("blue", "#0000ff")
	for want, c := range map[string]cause.Cause{
		"slide or moving picture: detail in 12.3% of it":                                                         cause.Detail(12.34),
		"plain blue (#0000ff) (all but 0.1%)":                                                                    cause.BackgroundOnly(blue, 0.1),
		"plain radial gradient and something on 2.5% of it":                                                      cause.SomethingOnBackground(cause.PlainRadialGradient(), 2.5),
		"noise without a picture (±40 levels)":                                                                   cause.Noise(40),
		"colour bars: 7 in the standard order over 66% of the height":                                            cause.ColourBars(7, 66),
		"turned stripes or steps over 100% of the height":                                                        cause.Turned(cause.Stripes(100)),
		"card: room (99% of it) in black bars":                                                                   cause.InBlackBars(cause.Card("room", 99)),
		"test card with a circle of 90% of the height (80% of it seen), 6 stripes in it":                         cause.CircleCard(90, 80, 6),
		"crosshatch of 17 by 9 lines, nothing else":                                                              cause.Crosshatch(17, 9),
		"checkerboard of 16 by 9, nothing else in black bars, and more":                                          cause.InBlackBarsAndMore(cause.Checkerboard(16, 9)),
		`no-signal splash: read "NO SIGNAL"`:                                                                     cause.NoSignalSplash("NO SIGNAL"),
		`plain shading: a label, read "HDMI 1"`:                                                                  cause.LabelOnBackground(cause.PlainShading(), "HDMI 1"),
		`plain blue (#0000ff): read "Part 1"`:                                                                    cause.TextOnBackground(blue, "Part 1"),
		`plain gradient: a clock, read "15:10:08"`:                                                               cause.ClockOnBackground(cause.PlainGradient(), "15:10:08"),
		"plain blue (#0000ff), which wanders about (words not read: tesseract is not installed)":                 cause.TextNotRead(cause.WanderingOverlay(blue)),
		"plain blue (#0000ff), small and running like a clock":                                                   cause.RunningOverlay(blue),
		`slide or moving picture: detail in 3% of it, read "Vector fields"; noise without a picture (±1 levels)`: {},
	} {
		got := english([]cause.Cause{c})
		if c.IsZero() {
			got = english([]cause.Cause{
				cause.PictureText(cause.Detail(3), "Vector fields"),
				cause.Noise(1),
			})
		}
		if got != want {
			t.Errorf("text of %v:\n got %s\nwant %s", c, got, want)
		}
	}
}
