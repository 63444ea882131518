package i18n

import (
	"encoding/json"

	"github.com/nvr-miem/merger/pkg/cause"
)

// FormatReason returns a cause as a column or an answer holds it: a JSON object with the words in every
// language by tag, and code and args beside them. It is empty for no cause.
func (c *Catalog) FormatReason(reason cause.Cause) string {
	if reason.IsZero() {
		return ""
	}
	fields := map[string]any{}
	for tag, text := range c.Texts(reason) {
		fields[tag] = text
	}
	if !reason.Is(cause.CodeText) {
		fields["code"] = reason.Code()
		fields["args"] = reason.Args()
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return "" // strings, numbers and causes always marshal
	}
	return string(text)
}

// ReadReason reads what [Catalog.FormatReason] of this version or the former one wrote. The former one wrote
// {"en", "ru"} without a code. Any other text, such as a course's name, is the same in every language.
func ReadReason(text string) cause.Cause {
	if text == "" {
		return cause.Cause{}
	}
	var row struct {
		Code cause.Code      `json:"code"`
		Args json.RawMessage `json:"args"`
		En   string          `json:"en"`
		Ru   string          `json:"ru"`
	}
	if json.Unmarshal([]byte(text), &row) != nil {
		return cause.Verbatim(text)
	}
	if row.Code != "" {
		if c, err := cause.Read(row.Code, row.Args); err == nil {
			return c
		}
	}
	if row.En == "" && row.Ru == "" {
		return cause.Verbatim(text)
	}
	return cause.Legacy(row.En, row.Ru)
}
