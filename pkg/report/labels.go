package report

import (
	"strings"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// localizer writes a report in one language.
type localizer struct{ *i18n.Localizer }

// Label returns a text of the section report.label.
func (v localizer) Label(key string) string {
	return v.T("report.label." + key)
}

// Text returns the cause in a language.
func (f CauseFields) Text(texts *i18n.Localizer) string {
	return words(texts, f.Typed, f.Cause, f.CauseRu)
}

// Text returns the reason in a language.
func (f ReasonFields) Text(texts *i18n.Localizer) string {
	return words(texts, f.Typed, f.Reason, f.ReasonRu)
}

// words returns the sentence of a code. The stored words are used for a code that the catalogue does not
// have, and for reports of former versions, which have no codes.
func words(texts *i18n.Localizer, t Typed, en, ru string) string {
	if c, err := cause.Read(t.Code, t.Args); err == nil && texts.HasCause(c) {
		return texts.Cause(c)
	}
	return texts.Cause(cause.Legacy(en, ru))
}

// faults returns what is wrong with a file.
func (v localizer) faults(s Segment) []string {
	texts := make([]string, len(s.Faults))
	for i, en := range s.Faults {
		c, ru := cause.Cause{}, ""
		if len(s.FaultsRu) == len(s.Faults) {
			ru = s.FaultsRu[i]
		}
		if len(s.FaultCodes) == len(s.Faults) {
			c = s.FaultCodes[i]
		}
		texts[i] = words(v.Localizer, typed(c), en, ru)
	}
	return texts
}

// warnings lists the warnings in the language, with time and source; English where a warning has no other.
func (v localizer) warnings(r *Report) []string {
	var texts []string
	roles := map[SourceID]Role{}
	for _, s := range r.Sources {
		roles[SourceID(s.Source)] = s.Role
	}
	for _, w := range r.Warnings {
		text := w.Text[v.Language()]
		if c, err := cause.Read(w.Code, w.Args); err == nil && v.HasCause(c) {
			text = v.Cause(c)
		}
		if text == "" {
			text = w.Text["en"]
		}
		texts = append(texts, v.place(w, roles[w.Source])+text)
	}
	return texts
}

// place returns when and in which source a warning holds, with a colon. It is empty if the warning is about
// the whole record.
func (v localizer) place(w Warning, role Role) string {
	var parts []string
	if w.Start != nil && w.End != nil {
		parts = append(parts, clock(*w.Start, true)+"–"+clock(*w.End, true))
	}
	if w.Source != "" {
		parts = append(parts, v.source(role, string(w.Source)))
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, " ") + ": "
}

// role names a role. A source without a role gives only sound.
func (v localizer) role(r Role) string {
	switch nvr.Role(r) {
	case nvr.Lecturer, nvr.Screen, nvr.Board:
		return v.T("role." + string(r))
	}
	return v.T("role.sound")
}

// source names a source as people know it: role, and number as in file names.
func (v localizer) source(role Role, octet string) string {
	return v.role(role) + " (" + octet + ")"
}

// layout names the layout of a stretch with its third picture. An unknown layout is named as a slate.
func (v localizer) layout(s Stretch) string {
	if !s.Layout.Known() {
		return v.T("report.layout." + string(Slate))
	}
	key := "report.layout." + string(s.Layout)
	if s.Other != None {
		key += "+" + string(s.Other)
	}
	return v.T(key)
}

// state names a state. An unknown one is named as missing.
func (v localizer) state(s State) string {
	switch s {
	case Footage, Card, Damaged, Missing:
		return v.T("report.state." + string(s))
	}
	return v.T("report.state." + string(Missing))
}
