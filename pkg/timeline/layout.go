package timeline

import (
	"slices"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// Arrangement is what the panes show in a stretch of the merge.
type Arrangement string

// The arrangements. Where the lecturer is missing, a slate fills the left pane; Alone is the lecturer by
// itself, centred.
const (
	LecturerScreen Arrangement = "lecturer+screen"
	LecturerBoard  Arrangement = "lecturer+board"
	Alone          Arrangement = "lecturer"
	OnlyScreen     Arrangement = "screen"
	OnlyBoard      Arrangement = "board"
	Nothing        Arrangement = "slate"
)

// Left returns the role in the left pane, or "" if there is none.
func (l Arrangement) Left() nvr.Role {
	switch l {
	case LecturerScreen, LecturerBoard, Alone:
		return nvr.Lecturer
	case OnlyScreen, OnlyBoard, Nothing:
	}
	return ""
}

// Right returns the role in the right pane, or "" if there is none.
func (l Arrangement) Right() nvr.Role {
	switch l {
	case LecturerScreen, OnlyScreen:
		return nvr.Screen
	case LecturerBoard, OnlyBoard:
		return nvr.Board
	case Alone, Nothing:
	}
	return ""
}

// Verdict is whether the screen source shows a presentation in the frames [First, End), and why that
// is believed. Frames may lie outside the record.
type Verdict struct {
	First, End   int64
	Presentation bool
	Cause        cause.Cause
}

// Scene is a stretch of frames [First, End) with one layout, and the reason for the layout.
type Scene struct {
	First  int64       `json:"first"`
	End    int64       `json:"end"`
	Layout Arrangement `json:"layout"`
	Other  nvr.Role    `json:"other,omitempty"` // the third picture; empty for none
	Reason cause.Cause `json:"reason"`
}

// Steady takes out verdicts that last less than least: the layout must not flap. Neighbours of the
// same verdict become one; verdicts must be in order and touch, or leave gaps.
func Steady(w Window, verdicts []Verdict, least time.Duration) []Verdict {
	out := joinVerdicts(slices.Clone(verdicts))
	few := w.FramesIn(least)
	for {
		short := -1
		for i, v := range out {
			if n := v.End - v.First; n < few && len(out) > 1 && (short < 0 || n < out[short].End-out[short].First) {
				short = i
			}
		}
		if short < 0 {
			return out
		}
		out[short].Presentation = !out[short].Presentation
		if short > 0 {
			out[short].Cause = out[short-1].Cause
		} else {
			out[short].Cause = out[1].Cause
		}
		out = joinVerdicts(out)
	}
}

func joinVerdicts(verdicts []Verdict) []Verdict {
	out := verdicts[:0]
	for _, v := range verdicts {
		if n := len(out); n > 0 && out[n-1].Presentation == v.Presentation {
			out[n-1].End = v.End
			continue
		}
		out = append(out, v)
	}
	return out
}

// Compose decides the layout of every frame from what each source shows. A source that the room does
// not have is nil.
func Compose(w Window, lecturer, screen, board []Span, verdicts []Verdict) []Scene {
	cuts := []int64{0, w.Frames}
	for _, spans := range [][]Span{lecturer, screen, board} {
		for _, s := range spans {
			cuts = append(cuts, s.First)
		}
	}
	for _, v := range verdicts {
		cuts = append(cuts, v.First, v.End)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)

	var scenes []Scene
	for i, first := range cuts {
		if first < 0 || first >= w.Frames {
			continue
		}
		scene := compose(w, first, lecturer, screen, board, verdicts)
		scene.First, scene.End = first, min(cuts[i+1], w.Frames)
		if n := len(scenes); n > 0 && scenes[n-1].Layout == scene.Layout {
			scenes[n-1].End = scene.End
			continue
		}
		scenes = append(scenes, scene)
	}
	return scenes
}

// AddBoard adds the board as a third picture to scenes that show the screen, while the board is present. A
// scene is divided where the board appears or disappears. Without a board, board is nil.
func AddBoard(w Window, scenes []Scene, board []Span) []Scene {
	var out []Scene
	for _, scene := range scenes {
		if board == nil || scene.Layout.Right() != nvr.Screen {
			out = append(out, scene)
			continue
		}
		for i, part := range splitByBoard(w, scene, board) {
			if n := len(out); i > 0 && out[n-1].Other == part.Other {
				out[n-1].End = part.End
				continue
			}
			out = append(out, part)
		}
	}
	return out
}

// splitByBoard divides a scene where the board's spans do.
func splitByBoard(w Window, scene Scene, board []Span) []Scene {
	var parts []Scene
	for _, span := range board {
		first, end := max(span.First, scene.First), min(span.End, scene.End)
		if first >= end {
			continue
		}
		part := Scene{First: first, End: end, Layout: scene.Layout}
		present, why := there(w, board, first, nvr.Board)
		if present {
			part.Other = nvr.Board
		}
		part.Reason = cause.Because(scene.Reason, why)
		parts = append(parts, part)
	}
	return parts
}

func compose(w Window, k int64, lecturer, screen, board []Span, verdicts []Verdict) Scene {
	left, leftWhy := there(w, lecturer, k, nvr.Lecturer)
	onScreen, screenWhy := there(w, screen, k, nvr.Screen)
	if onScreen {
		var why cause.Cause
		onScreen, why = presented(verdicts, k)
		screenWhy = cause.ScreenJudged(why)
	}
	onBoard, boardWhy := there(w, board, k, nvr.Board)
	reasons := []cause.Cause{leftWhy, screenWhy}
	if !onScreen {
		reasons = append(reasons, boardWhy)
	}
	var layout Arrangement
	switch {
	case left && onScreen:
		layout = LecturerScreen
	case left && onBoard:
		layout = LecturerBoard
	case left:
		layout = Alone
	case onScreen:
		layout = OnlyScreen
	case onBoard:
		layout = OnlyBoard
	default:
		layout = Nothing
	}
	return Scene{Layout: layout, Reason: cause.Because(reasons...)}
}

// there reports whether a source counts as present at frame k, and why: it shows something, or its gap is too
// short to change the layout.
func there(w Window, spans []Span, k int64, role nvr.Role) (bool, cause.Cause) {
	name := string(role)
	if spans == nil {
		return false, cause.SourceAbsent(name)
	}
	i := slices.IndexFunc(spans, func(s Span) bool { return s.First <= k && k < s.End })
	if i < 0 {
		return false, cause.SourceUncovered(name)
	}
	if !spans[i].Hole() {
		return true, cause.SourceRecorded(name)
	}
	first, end := spans[i].First, spans[i].End
	for j := i - 1; j >= 0 && spans[j].Hole(); j-- {
		first = spans[j].First
	}
	for j := i + 1; j < len(spans) && spans[j].Hole(); j++ {
		end = spans[j].End
	}
	if end-first <= w.FramesIn(SlateMax) && end-first < w.Frames {
		return true, cause.SourceInterrupted(name, spans[i].Cause)
	}
	return false, cause.SourceMissing(name, spans[i].Cause)
}

// presented reports whether the screen shows a presentation at frame k, and why. Where there is no verdict,
// the one before it counts.
func presented(verdicts []Verdict, k int64) (bool, cause.Cause) {
	if len(verdicts) == 0 {
		return false, cause.NeverJudged()
	}
	v := verdicts[0]
	for _, next := range verdicts {
		if next.First <= k {
			v = next
		}
	}
	return v.Presentation, v.Cause
}

// Piece is what a pane shows over a stretch of frames: a run of a file, or a slate.
type Piece struct {
	First int64       `json:"first"`
	End   int64       `json:"end"`
	File  int         `json:"file"` // -1: a slate
	Run   Run         `json:"run"`
	Role  nvr.Role    `json:"role,omitempty"` // whose picture is shown, or would be
	Whole bool        `json:"whole"`          // fills the whole picture instead of one pane
	Cause cause.Cause `json:"cause,omitzero"`
}

// Panes returns what the two panes show, frame by frame. In a stretch of layout [Alone] or [Nothing] the
// left pane fills the picture and the right one has no piece.
func Panes(scenes []Scene, sources map[nvr.Role][]Span) (left, right []Piece) {
	for _, scene := range scenes {
		whole := scene.Layout == Alone || scene.Layout == Nothing
		role := scene.Layout.Left()
		if role == "" && !whole {
			role = nvr.Lecturer // its place is kept, by a slate
		}
		left = appendPieces(left, scene, role, sources[role], whole)
		if !whole {
			right = appendPieces(
				right,
				scene,
				scene.Layout.Right(),
				sources[scene.Layout.Right()],
				false,
			)
		}
	}
	return left, right
}

// OtherPieces returns what the pane of the third picture shows. It has no piece where a scene has none.
func OtherPieces(scenes []Scene, sources map[nvr.Role][]Span) []Piece {
	var pieces []Piece
	for _, scene := range scenes {
		if scene.Other != "" {
			pieces = appendPieces(pieces, scene, scene.Other, sources[scene.Other], false)
		}
	}
	return pieces
}

func appendPieces(pieces []Piece, scene Scene, role nvr.Role, spans []Span, whole bool) []Piece {
	if len(spans) == 0 {
		spans = []Span{{
			First: scene.First,
			End:   scene.End,
			File:  -1,
			Cause: scene.Reason,
		}}
	}
	for _, span := range spans {
		first, end := max(span.First, scene.First), min(span.End, scene.End)
		if first >= end {
			continue
		}
		p := Piece{
			First: first,
			End:   end,
			File:  span.File,
			Run:   span.Run,
			Role:  role,
			Whole: whole,
			Cause: span.Cause,
		}
		if n := len(pieces); n > 0 && joinsOn(pieces[n-1], p) {
			pieces[n-1].End = end
			continue
		}
		pieces = append(pieces, p)
	}
	return pieces
}

func joinsOn(a, b Piece) bool {
	return a.End == b.First && a.File == b.File && a.Run == b.Run && a.Role == b.Role && a.Whole == b.Whole && a.Cause == b.Cause
}
