package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/report"
)

const (
	lecturer = report.Role(nvr.Lecturer)
	screen   = report.Role(nvr.Screen)
	board    = report.Role(nvr.Board)
)

// title holds what would break a page that does not escape.
const title = `Calculus <script>alert("1")</script> & "limits" — 'part 2'`

// afternoon makes the times of the sample, in the room's zone.
type afternoon struct {
	t    *testing.T
	zone *time.Location
}

func (a afternoon) at(clock string) report.Time {
	a.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", "2026-11-20 "+clock, a.zone)
	if err != nil {
		a.t.Fatal(err)
	}
	return report.At(at)
}

// sample is the report of an 80-minute lecture: the lecturer's recorder restarted, the screen shows
// its card before and after the slides, one file of the board is truncated, its camera went off early.
func sample(t *testing.T) *report.Report {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Moscow")
	if err != nil {
		t.Fatal(err)
	}
	a := afternoon{t, zone}
	return &report.Report{
		Record: report.Record{
			Room:     "504",
			Date:     "2026-11-20",
			Start:    a.at("15:10:00"),
			End:      a.at("16:30:00"),
			Title:    title,
			TimeZone: "Europe/Moscow",
			Frames:   120000,
			FPS:      25,
			Policy:   report.Auto,
		},
		Output: report.Output{
			Path:     "/home/anna/video/2026-11-20 504 calculus.mp4",
			Bytes:    611_448_210,
			Frames:   120000,
			Width:    2560,
			Height:   720,
			FPS:      25,
			Duration: 4800,
			SHA256:   strings.Repeat("0a1b2c3d", 8),
		},
		Stretches: a.stretches(),
		Gaps:      a.gaps(),
		Segments:  a.segments(),
		Ignored: []report.Ignored{
			{
				File:        "2026-11-20_15:00_506_24.mp4",
				CauseFields: report.CauseFields{Cause: "of room 506", CauseRu: "аудитория 506"},
			},
			{File: "notes <b>.txt", CauseFields: report.CauseFields{Cause: "not a segment name"}},
		},
		Sources: a.sources(),
		Sound:   a.sound(),
		Cost: report.Cost{CPU: 1391.4, Wall: 842.06, PeakRSS: 412_090_368, Read: 2_913_400_112,
			Analysis: 402_118_004},
		Warnings: []report.Warning{{
			Code: "old-ffmpeg",
			Text: map[string]string{
				"en": "FFmpeg 5.1 is the oldest that works; 7.1 is faster.",
				"ru": "FFmpeg 5.1 — самая старая пригодная версия; 7.1 быстрее.",
			},
		}},
		Digest:   "b3f1c9d27c51e0aa",
		Versions: report.Versions{Program: "v0.3.0", Renderer: "4", FFmpeg: "5.1.6-0+deb12u1"},
	}
}

func (a afternoon) stretches() []report.Stretch {
	rows := []struct {
		start, end string
		layout     report.Layout
		en, ru     string
	}{
		{
			"15:10:00",
			"15:17:04",
			report.LecturerBoard,
			"no presentation: the screen shows a NO SIGNAL card",
			"презентации нет: на экране заставка «нет сигнала»",
		},
		{
			"15:17:04",
			"15:41:10",
			report.LecturerScreen,
			"a presentation is on the screen",
			"на экране презентация",
		},
		{
			"15:41:10",
			"15:42:18",
			report.ScreenAlone,
			"the lecturer camera has no footage",
			"запись камеры лектора отсутствует",
		},
		{
			"15:42:18",
			"16:02:40",
			report.LecturerScreen,
			"a presentation is on the screen",
			"на экране презентация",
		},
		{
			"16:02:40",
			"16:24:00",
			report.LecturerBoard,
			"no presentation: the screen shows a NO SIGNAL card",
			"презентации нет: на экране заставка «нет сигнала»",
		},
		{
			"16:24:00",
			"16:30:00",
			report.LecturerAlone,
			"neither a presentation nor the board",
			"нет ни презентации, ни доски",
		},
	}
	list := make([]report.Stretch, 0, len(rows))
	for _, r := range rows {
		left, right := r.layout.Panes()
		list = append(list, report.Stretch{
			Start:        a.at(r.start),
			End:          a.at(r.end),
			Layout:       r.layout,
			Left:         left,
			Right:        right,
			ReasonFields: report.ReasonFields{Reason: r.en, ReasonRu: r.ru},
		})
	}
	return list
}

func (a afternoon) gaps() []report.Gap {
	return []report.Gap{
		{
			Source: "24",
			Role:   lecturer,
			Start:  a.at("15:41:10"),
			End:    a.at("15:42:18"),
			CauseFields: report.CauseFields{
				Cause:   "the recorder restarted: nothing was written",
				CauseRu: "регистратор перезапустился: ничего не записано",
			},
		},
		{
			Source: "30",
			Role:   board,
			Start:  a.at("15:30:00"),
			End:    a.at("16:00:00"),
			CauseFields: report.CauseFields{
				Cause:   "2026-11-20_15:30_504_30.mp4 is truncated: it has no index (moov)",
				CauseRu: "файл 2026-11-20_15:30_504_30.mp4 обрезан: нет индекса (moov)",
			},
		},
		{
			Source: "30",
			Role:   board,
			Start:  a.at("16:24:00"),
			End:    a.at("16:30:00"),
			CauseFields: report.CauseFields{
				Cause:   "2026-11-20_16:00_504_30.mp4 ends early",
				CauseRu: "файл 2026-11-20_16:00_504_30.mp4 кончается раньше",
			},
		},
	}
}

func (a afternoon) segments() []report.Segment {
	hd := func(fps report.Number, frames int64) *report.Video {
		return &report.Video{Codec: "h264", Width: 1920, Height: 1080, FPS: fps, Frames: frames}
	}
	stereo := &report.Audio{Codec: "aac", Channels: 2, SampleRate: 48000}
	segment := func(source, clock string, role report.Role, mb int64, seconds report.Number, v *report.Video, s *report.Audio) report.Segment {
		return report.Segment{
			File:     "2026-11-20_" + clock + "_504_" + source + ".mp4",
			Source:   source,
			Role:     role,
			Start:    a.at(clock + ":00"),
			Bytes:    mb * 1_000_000,
			Duration: seconds,
			Video:    v,
			Sound:    s,
			Used:     true,
		}
	}
	list := []report.Segment{
		segment("24", "15:00", lecturer, 431, 1801.24, hd(25, 45031), stereo),
		segment("24", "15:30", lecturer, 418, 1731.92, hd(25, 43298), stereo),
		segment("24", "16:00", lecturer, 430, 1799.8, hd(25, 44995), stereo),
		segment("21", "15:00", screen, 96, 1800.033, hd(29.97003, 53947), nil),
		segment("21", "15:30", screen, 122, 1800.02, hd(29.97003, 53947), nil),
		segment("21", "16:00", screen, 61, 1799.96, hd(29.97003, 53945), nil),
		segment("30", "15:00", board, 388, 1800, hd(25, 45000), stereo),
		segment("30", "15:30", board, 203, report.Unknown(), nil, nil),
		segment("30", "16:00", board, 311, 1440, hd(25, 36000), stereo),
	}
	list[1].Faults = []string{"a hole of 68.1 s at 15:41:10", "6 s cannot be decoded at 16:11:20"}
	list[1].FaultsRu = []string{"дыра 68,1 с в 15:41:10", "6 с не декодируются в 16:11:20"}
	list[7].Faults, list[7].Used = []string{"truncated: no index (moov)"}, false
	list[7].FaultsRu = []string{"обрезан: нет индекса (moov)"}
	list[8].Faults = []string{"360 s shorter than its half hour"}
	list[8].FaultsRu = []string{"на 360 с короче получаса"}
	return list
}

func (a afternoon) sources() []report.Source {
	span := func(start, end string, state report.State, en, ru string) report.Span {
		return report.Span{
			Start:       a.at(start),
			End:         a.at(end),
			State:       state,
			CauseFields: report.CauseFields{Cause: en, CauseRu: ru},
		}
	}
	const noSignal, noSignalRu = "a card that says NO SIGNAL", "заставка «нет сигнала»"
	return []report.Source{
		{
			Source: "24",
			Role:   lecturer,
			Spans: []report.Span{
				span("15:10:00", "15:41:10", report.Footage, "", ""),
				span(
					"15:41:10",
					"15:42:18",
					report.Missing,
					"the recorder restarted",
					"регистратор перезапустился",
				),
				span("15:42:18", "16:11:20", report.Footage, "", ""),
				span(
					"16:11:20",
					"16:11:26",
					report.Damaged,
					"cannot be decoded",
					"не декодируется",
				),
				span("16:11:26", "16:30:00", report.Footage, "", ""),
			},
		},
		{Source: "21", Role: screen, Spans: []report.Span{
			span("15:10:00", "15:17:04", report.Card, noSignal, noSignalRu),
			span("15:17:04", "16:02:40", report.Footage, "", ""),
			span("16:02:40", "16:30:00", report.Card, noSignal, noSignalRu),
		}},
		{
			Source: "30",
			Role:   board,
			Spans: []report.Span{
				span("15:10:00", "15:30:00", report.Footage, "", ""),
				span(
					"15:30:00",
					"16:00:00",
					report.Missing,
					"truncated: no index (moov)",
					"обрезан: нет индекса (moov)",
				),
				span("16:00:00", "16:24:00", report.Footage, "", ""),
				span(
					"16:24:00",
					"16:30:00",
					report.Missing,
					"the file ends early",
					"файл кончается раньше",
				),
			},
		},
	}
}

func (a afternoon) sound() report.Sound {
	return report.Sound{
		Target:   -16,
		Gain:     7.42,
		Measured: &report.Loudness{LUFS: -23.42, TruePeak: -4.1},
		Result:   &report.Loudness{LUFS: -16.03, TruePeak: -1.61},
		Stretches: []report.SoundStretch{
			{
				Start:  a.at("15:10:00"),
				End:    a.at("15:41:10"),
				Source: "24",
				Role:   lecturer,
				ReasonFields: report.ReasonFields{
					Reason:   "the room's sound source",
					ReasonRu: "источник звука аудитории",
				},
			},
			{
				Start: a.at("15:41:10"),
				End:   a.at("15:42:18"),
				ReasonFields: report.ReasonFields{
					Reason:   "no source has sound",
					ReasonRu: "звука нет ни в одном источнике",
				},
			},
			{
				Start:  a.at("15:42:18"),
				End:    a.at("16:30:00"),
				Source: "24",
				Role:   lecturer,
				ReasonFields: report.ReasonFields{
					Reason:   "the room's sound source",
					ReasonRu: "источник звука аудитории",
				},
			},
		},
	}
}
