package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
)

// State is the severity of a finding.
type State string

// The states. Only StateFail makes the whole check fail.
const (
	StateOK   State = "ok"
	StateWarn State = "warn"
	StateFail State = "fail"
)

// Finding is the result of one check.
type Finding struct {
	State State
	What  string      // a fixed word with the name of the checked object: "room 504 calendar"
	Cause cause.Cause // what was found
	Way   Remedy      // how to repair it; zero if State is StateOK
}

// Remedy says how a person can repair what was found. Its text stands in the catalogue.
type Remedy struct {
	key  string
	args []any
}

// remedy returns the remedy with the text doctor.way.NAME. args are pairs of a name and a value.
func remedy(name string, args ...any) Remedy {
	return Remedy{
		key:  "doctor.way." + name,
		args: args,
	}
}

// IsZero reports whether there is nothing to repair.
func (r Remedy) IsZero() bool {
	return r.key == ""
}

// Text returns the text of the remedy in a language. It is empty if there is nothing to repair.
func (r Remedy) Text(l *i18n.Localizer) string {
	if r.IsZero() {
		return ""
	}
	return l.T(r.key, r.args...)
}

func ok(what string, found cause.Cause) Finding {
	return Finding{State: StateOK, What: what, Cause: found}
}

func warn(what string, found cause.Cause, way Remedy) Finding {
	return Finding{State: StateWarn, What: what, Cause: found, Way: way}
}

func fail(what string, found cause.Cause, way Remedy) Finding {
	return Finding{State: StateFail, What: what, Cause: found, Way: way}
}

// Failed reports whether anything must be repaired.
func Failed(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.State == StateFail })
}

// Print writes one line per finding in a language.
func Print(w io.Writer, findings []Finding, l *i18n.Localizer) error {
	width := 0
	for _, f := range findings {
		width = max(width, utf8.RuneCountInString(f.What))
	}
	for _, f := range findings {
		line := fmt.Sprintf("%-4s  %-*s  %s", f.State, width, f.What, l.Cause(f.Cause))
		if way := f.Way.Text(l); way != "" {
			line += " → " + way
		}
		if _, err := io.WriteString(w, line+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// findingJSON is the JSON form of a finding. The texts are in every language by tag.
type findingJSON struct {
	State  State             `json:"state"`
	What   string            `json:"what"`
	Code   cause.Code        `json:"code"`
	Args   json.RawMessage   `json:"args,omitempty"`
	Detail map[string]string `json:"detail"`
	Way    map[string]string `json:"way,omitempty"`
}

// PrintJSON writes one object: ok, which is false if anything must be repaired, and the findings.
func PrintJSON(w io.Writer, findings []Finding, catalog *i18n.Catalog) error {
	list := make([]findingJSON, len(findings))
	for i, f := range findings {
		list[i] = findingJSON{
			State:  f.State,
			What:   f.What,
			Code:   f.Cause.Code(),
			Args:   f.Cause.ArgsJSON(),
			Detail: catalog.Texts(f.Cause),
			Way:    f.Way.texts(catalog),
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		OK       bool          `json:"ok"`
		Findings []findingJSON `json:"findings"`
	}{!Failed(findings), list})
}

// texts returns the text of the remedy in every language by tag, nil if there is nothing to repair.
func (r Remedy) texts(catalog *i18n.Catalog) map[string]string {
	if r.IsZero() {
		return nil
	}
	texts := map[string]string{}
	for _, tag := range catalog.Languages() {
		texts[tag] = r.Text(catalog.For(tag))
	}
	return texts
}
