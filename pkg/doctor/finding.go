package doctor

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// State is how bad a finding is.
type State string

// The states. Only StateFail makes the visit a failure.
const (
	StateOK   State = "ok"
	StateWarn State = "warn"
	StateFail State = "fail"
)

// Finding is one line: what was looked at, how it is, and the way out if it is not well.
type Finding struct {
	State  State      `json:"state"`
	What   string     `json:"what"` // a fixed word, and the name of what it is about: "room 504 calendar"
	Detail nvr.Reason `json:"detail"`
	Way    nvr.Reason `json:"way,omitzero"`
}

func say(en, ru string) nvr.Reason { return nvr.Reason{En: en, Ru: ru} }

// same is for what is the same in both languages: names, numbers, technical causes.
func same(format string, values ...any) nvr.Reason {
	text := fmt.Sprintf(format, values...)
	return nvr.Reason{En: text, Ru: text}
}

func ok(what string, detail nvr.Reason) Finding {
	return Finding{State: StateOK, What: what, Detail: detail}
}

func warn(what string, detail, way nvr.Reason) Finding {
	return Finding{State: StateWarn, What: what, Detail: detail, Way: way}
}

func fail(what string, detail, way nvr.Reason) Finding {
	return Finding{State: StateFail, What: what, Detail: detail, Way: way}
}

// Failed tells whether anything must be mended.
func Failed(findings []Finding) bool {
	for _, f := range findings {
		if f.State == StateFail {
			return true
		}
	}
	return false
}

// Print writes a line a finding, in Russian or else in English.
func Print(w io.Writer, findings []Finding, russian bool) error {
	width := 0
	for _, f := range findings {
		width = max(width, len([]rune(f.What)))
	}
	for _, f := range findings {
		detail, way := f.Detail.En, f.Way.En
		if russian {
			detail, way = f.Detail.Ru, f.Way.Ru
		}
		line := fmt.Sprintf("%-4s  %-*s  %s", f.State, width, f.What, detail)
		if way != "" {
			line += " → " + way
		}
		if _, err := io.WriteString(w, line+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// PrintJSON writes one object: whether all is well, and the findings.
func PrintJSON(w io.Writer, findings []Finding) error {
	text := json.NewEncoder(w)
	text.SetEscapeHTML(false)
	text.SetIndent("", "  ")
	return text.Encode(struct {
		OK       bool      `json:"ok"`
		Findings []Finding `json:"findings"`
	}{!Failed(findings), findings})
}
