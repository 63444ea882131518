// Package cause holds typed causes: why a stretch is missing, a file is faulty, a record waits or failed.
//
// A [Cause] is a [Code] with named arguments and no text. Plans, reports, rows, notices and calls carry
// causes; pkg/i18n turns one into a sentence at the edge. A decision may look at a code, never at a text.
//
// To add a cause: add a constant with a doc comment, a constructor and a [Spec] in the file of its area, and a
// text in every file of pkg/i18n/locale. A test holds the three to each other.
package cause

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// Code names a cause: kebab-case and stable, since programs outside read it.
type Code string

// Cause is a code with its arguments. Causes are comparable with ==. The zero value means no cause.
type Cause struct {
	code Code
	args string // canonical JSON object with sorted names; empty if there are no arguments
}

// Arg is a named argument of a cause. Its value is a string, a number, a cause or a list of causes.
type Arg struct {
	name  string
	kind  Kind
	value any
}

// Kind is the type of an argument.
type Kind int

// The kinds, with what stands in JSON.
const (
	KindText    Kind = iota // a string
	KindInt                 // an integer
	KindSeconds             // a duration: a number of seconds with at most three decimals
	KindNumber              // a number with at most one decimal
	KindInstant             // a point in time: RFC 3339 with the room's offset
	KindCause               // a nested cause: {"code", "args"}
	KindList                // a list of nested causes
)

// Text returns an argument that is shown as it is. An empty text is allowed.
func Text(name, value string) Arg {
	return Arg{name, KindText, value}
}

// Int returns an integer argument, for example a count.
func Int[T ~int | ~int32 | ~int64 | ~uint32 | ~uint64](name string, value T) Arg {
	return Arg{name, KindInt, int64(value)}
}

// Seconds returns a duration argument, rounded to the millisecond.
func Seconds(name string, value time.Duration) Arg {
	return Arg{name, KindSeconds, value.Round(time.Millisecond).Seconds()}
}

// Number returns a number, rounded to one decimal.
func Number(name string, value float64) Arg {
	return Arg{name, KindNumber, math.Round(10*value) / 10}
}

// Instant returns a point in time. Its location should be the room's.
func Instant(name string, value time.Time) Arg {
	return Arg{name, KindInstant, value.Format(time.RFC3339)}
}

// Of returns a nested cause as an argument.
func Of(name string, value Cause) Arg {
	return Arg{name, KindCause, value}
}

// List returns several nested causes as one argument, in the order given.
func List(name string, values ...Cause) Arg {
	return Arg{name, KindList, values}
}

// newCause returns the cause of a code. Only the constructors of this package call it, so that every cause of a
// code has the arguments of its [Spec].
func newCause(code Code, args ...Arg) Cause {
	if len(args) == 0 {
		return Cause{code: code}
	}
	values := make(map[string]any, len(args))
	for _, arg := range args {
		values[arg.name] = arg.value
	}
	return Cause{code: code, args: canonical(values)}
}

// canonical returns the arguments as JSON with sorted names.
func canonical(values map[string]any) string {
	if len(values) == 0 {
		return ""
	}
	text, err := json.Marshal(values)
	if err != nil {
		return "" // strings, finite numbers and causes always marshal
	}
	return string(text)
}

// Code returns the code. It is empty for no cause.
func (c Cause) Code() Code { return c.code }

// Is reports whether the cause has the code.
func (c Cause) Is(code Code) bool {
	return c.code == code
}

// IsZero reports whether there is no cause.
func (c Cause) IsZero() bool { return c == Cause{} }

// Args returns a copy of the arguments by name: string, json.Number, Cause or []Cause.
func (c Cause) Args() map[string]any {
	raw := map[string]json.RawMessage{}
	if c.args == "" || json.Unmarshal([]byte(c.args), &raw) != nil {
		return map[string]any{}
	}
	args := make(map[string]any, len(raw))
	for name, text := range raw {
		args[name] = decodeArg(text)
	}
	return args
}

// decodeArg returns one argument as the type that its JSON form shows.
func decodeArg(text json.RawMessage) any {
	switch text[0] {
	case '"':
		var s string
		if json.Unmarshal(text, &s) == nil {
			return s
		}
	case '{':
		var c Cause
		if json.Unmarshal(text, &c) == nil {
			return c
		}
	case '[':
		var list []Cause
		if json.Unmarshal(text, &list) == nil {
			return list
		}
	}
	return json.Number(text)
}

// String returns the code and its arguments for logs and errors. People read the catalogue's text instead.
func (c Cause) String() string {
	if c.args == "" {
		return string(c.code)
	}
	return string(c.code) + " " + c.args
}

// wire is the JSON form of a cause.
type wire struct {
	Code Code            `json:"code"`
	Args json.RawMessage `json:"args,omitempty"`
}

// MarshalJSON implements [json.Marshaler]. No cause is null.
func (c Cause) MarshalJSON() ([]byte, error) {
	if c.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(wire{Code: c.code, Args: json.RawMessage(c.args)})
}

// UnmarshalJSON implements [json.Unmarshaler]. It accepts codes of other versions, so that an older program
// can carry a newer cause; the catalogue then shows the code itself. Arguments that are not an object are an error.
func (c *Cause) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*c = Cause{}
		return nil
	}
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return fmt.Errorf("read a cause: %w", err)
	}
	read, err := Read(w.Code, w.Args)
	if err != nil {
		return err
	}
	*c = read
	return nil
}

// Read returns the cause of a code and the JSON object of its arguments, as they stand beside the words in
// plans, reports and rows. Empty arguments are none.
func Read(code Code, args []byte) (Cause, error) {
	if code == "" {
		return Cause{}, nil
	}
	if len(args) == 0 || string(args) == "null" {
		return Cause{code: code}, nil
	}
	values := map[string]json.RawMessage{}
	if err := json.Unmarshal(args, &values); err != nil {
		return Cause{}, fmt.Errorf("read the arguments of cause %q: %w", code, err)
	}
	sorted := make(map[string]any, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		sorted[name] = canonicalArg(values[name])
	}
	return Cause{code: code, args: canonical(sorted)}, nil
}

// canonicalArg returns an argument whose nested causes are canonical, too: equal causes must have equal text.
func canonicalArg(text json.RawMessage) any {
	switch text[0] {
	case '{':
		var c Cause
		if json.Unmarshal(text, &c) == nil && !c.IsZero() {
			return c
		}
	case '[':
		var list []Cause
		if json.Unmarshal(text, &list) == nil {
			return list
		}
	}
	return text
}

// ArgsJSON returns the arguments as a JSON object, for a field beside the words. It is nil if there are none.
func (c Cause) ArgsJSON() json.RawMessage {
	if c.args == "" {
		return nil
	}
	return json.RawMessage(c.args)
}

// CodeText carries a text that was stored before causes had codes, or that a person typed.
const CodeText Code = "text"

// Legacy returns the cause of a stored text without a code. The texts may be equal.
func Legacy(en, ru string) Cause {
	if en == "" && ru == "" {
		return Cause{}
	}
	return newCause(CodeText, Text("en", en), Text("ru", ru))
}

// Verbatim returns the cause of a text that is the same in every language, such as a course's name.
func Verbatim(text string) Cause { return Legacy(text, text) }

// Param is a named argument of a code.
type Param struct {
	Name string
	Kind Kind
}

// Spec is what a code consists of. The catalogue's test holds every text to it.
type Spec struct {
	Area string // section of the catalogue, below "cause"
	Code Code
	Args []Param
}

// Specs returns every code of the product, area by area.
func Specs() []Spec {
	return slices.Concat(
		mediaSpecs(),
		warningSpecs(),
		speechSpecs(),
		presenceSpecs(),
		recordSpecs(),
		googleSpecs(),
		doctorSpecs(),
		notifySpecs(),
		cliSpecs(),
	)
}

// spec returns a Spec from name and kind pairs.
func spec(area string, code Code, args ...Param) Spec {
	return Spec{Area: area, Code: code, Args: args}
}
