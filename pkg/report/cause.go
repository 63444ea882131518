package report

import (
	"encoding/json"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
)

// Typed is a cause as code and arguments, beside its words. It is empty in reports of former versions.
type Typed struct {
	Code cause.Code      `json:"code,omitempty"`
	Args json.RawMessage `json:"args,omitempty"`
}

// CauseFields are why something is missing, damaged or left out, in words and as a code.
type CauseFields struct {
	Cause   string `json:"cause"`
	CauseRu string `json:"cause_ru,omitempty"`
	Typed
}

// ReasonFields are the reason of a decision, in words and as a code.
type ReasonFields struct {
	Reason   string `json:"reason"`
	ReasonRu string `json:"reason_ru,omitempty"`
	Typed
}

// Warning is what a person should know about the video.
type Warning struct {
	Code   cause.Code        `json:"code"`
	Args   json.RawMessage   `json:"args,omitempty"`
	Text   map[string]string `json:"text"`            // by language tag
	Source SourceID          `json:"source,omitzero"` // null-free: left out if no source is meant
	Start  *Time             `json:"start,omitempty"` // of the stretch that is meant
	End    *Time             `json:"end,omitempty"`   // exclusive
}

// CauseFieldsOf returns a cause with its words.
func CauseFieldsOf(texts *i18n.Catalog, c cause.Cause) CauseFields {
	return CauseFields{
		Cause:   texts.For("en").Cause(c),
		CauseRu: texts.For("ru").Cause(c),
		Typed:   typed(c),
	}
}

// ReasonFieldsOf returns a reason with its words.
func ReasonFieldsOf(texts *i18n.Catalog, c cause.Cause) ReasonFields {
	return ReasonFields{
		Reason:   texts.For("en").Cause(c),
		ReasonRu: texts.For("ru").Cause(c),
		Typed:    typed(c),
	}
}

// WarningOf returns a warning about the whole record.
func WarningOf(texts *i18n.Catalog, c cause.Cause) Warning {
	return Warning{
		Code: c.Code(),
		Args: c.ArgsJSON(),
		Text: texts.Texts(c),
	}
}

// typed is the code and the arguments of a cause. A text of the former version has none.
func typed(c cause.Cause) Typed {
	if c.Is(cause.CodeText) {
		return Typed{}
	}
	return Typed{Code: c.Code(), Args: c.ArgsJSON()}
}
