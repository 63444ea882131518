package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
	"github.com/nvr-miem/merger/pkg/merge/probe"
)

// plan.json holds each cause three times: the words under its own name, for people and for programs that read
// them already, and beside them the code and the arguments. Of the causes "cause" and "reason" these are "code"
// and "args", of others NAME_code and NAME_args; a list NAME has NAME_codes, a list of both. The former version
// wrote the words only.

// JSON returns the plan as plan.json holds it, with the causes in English words. The same plan gives the same
// bytes.
func (p *Plan) JSON(texts *i18n.Catalog) ([]byte, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("write the plan as JSON: %w", err)
	}
	worded, err := addWords(text, texts.For("en"))
	if err != nil {
		return nil, fmt.Errorf("write the plan as JSON: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, worded, "", "  "); err != nil {
		return nil, fmt.Errorf("write the plan as JSON: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// The beginnings of a cause's JSON, and of a list of causes.
const (
	causeStart = `{"code":`
	listStart  = `[{"code":`
)

// addWords replaces each cause in a JSON text by its words, code and arguments. The order of names stays.
func addWords(text []byte, words *i18n.Localizer) ([]byte, error) {
	switch {
	case len(text) == 0 || text[0] != '{' && text[0] != '[':
		return text, nil
	case text[0] == '[':
		return addWordsToList(text, words)
	}
	var fields []string
	err := eachField(text, func(name string, value json.RawMessage) error {
		var more []string
		var err error
		switch {
		case bytes.HasPrefix(value, []byte(causeStart)):
			more, err = causeFields(name, value, words)
		case bytes.HasPrefix(value, []byte(listStart)):
			more, err = causeListFields(name, value, words)
		default:
			value, err = addWords(value, words)
			more = []string{quoted(name) + ":" + string(value)}
		}
		fields = append(fields, more...)
		return err
	})
	return []byte("{" + strings.Join(fields, ",") + "}"), err
}

// addWordsToList adds the words of causes to each item of a JSON array.
func addWordsToList(text []byte, words *i18n.Localizer) ([]byte, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		return nil, err
	}
	for i, item := range items {
		worded, err := addWords(item, words)
		if err != nil {
			return nil, err
		}
		items[i] = worded
	}
	return json.Marshal(items)
}

// eachField calls do for each field of a JSON object, in order.
func eachField(text []byte, do func(name string, value json.RawMessage) error) error {
	in := json.NewDecoder(bytes.NewReader(text))
	if _, err := in.Token(); err != nil {
		return err
	}
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := in.Decode(&value); err != nil {
			return err
		}
		if err := do(fmt.Sprint(name), value); err != nil {
			return err
		}
	}
	return nil
}

// causeFields returns the fields of one cause.
func causeFields(name string, value []byte, words *i18n.Localizer) ([]string, error) {
	var c cause.Cause
	if err := json.Unmarshal(value, &c); err != nil {
		return nil, err
	}
	fields := []string{quoted(name) + ":" + quoted(words.Cause(c))}
	if c.Is(cause.CodeText) {
		return fields, nil
	}
	code, args := besides(name)
	fields = append(fields, quoted(code)+":"+quoted(string(c.Code())))
	if text := c.ArgsJSON(); text != nil {
		fields = append(fields, quoted(args)+":"+string(text))
	}
	return fields, nil
}

// causeListFields returns the fields of a list of causes.
func causeListFields(name string, value []byte, words *i18n.Localizer) ([]string, error) {
	var list []cause.Cause
	if err := json.Unmarshal(value, &list); err != nil {
		return nil, err
	}
	texts := make([]string, len(list))
	typed := true
	for i, c := range list {
		texts[i] = quoted(words.Cause(c))
		typed = typed && !c.Is(cause.CodeText)
	}
	fields := []string{quoted(name) + ":[" + strings.Join(texts, ",") + "]"}
	if typed {
		fields = append(fields, quoted(name+"_codes")+":"+string(value))
	}
	return fields, nil
}

// besides returns the names of the fields that hold the code and the arguments of a cause.
func besides(name string) (code, args string) {
	if name == "cause" || name == "reason" {
		return "code", "args"
	}
	return name + "_code", name + "_args"
}

// quoted returns text as a JSON string.
func quoted(text string) string {
	out, err := json.Marshal(text)
	if err != nil {
		return `""` // a string always marshals
	}
	return string(out)
}

// removeWords is the inverse of [Plan.JSON]'s words: value is what JSON decoded into. Words without a code are
// of the former version: they become a cause that carries the text.
func removeWords(value any) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = removeWords(value[i])
		}
	case map[string]any:
		for name := range value {
			value[name] = removeWords(value[name])
		}
		for _, name := range []string{"cause", "reason", "inner"} {
			foldCause(value, name)
		}
		foldList(value, "faults")
	}
	return value
}

// foldCause turns the words, code and arguments of a cause into the cause's JSON.
func foldCause(object map[string]any, name string) {
	words, ok := object[name].(string)
	if !ok {
		return
	}
	codeName, argsName := besides(name)
	code, typed := object[codeName].(string)
	switch {
	case typed && code != "":
		typedCause := map[string]any{"code": code}
		if args, ok := object[argsName]; ok {
			typedCause["args"] = args
		}
		object[name] = typedCause
		delete(object, codeName)
		delete(object, argsName)
	case words == "":
		delete(object, name)
	default:
		object[name] = cause.Verbatim(words)
	}
}

// foldList turns the words and codes of a list of causes into the list's JSON.
func foldList(object map[string]any, name string) {
	words, ok := object[name].([]any)
	if !ok {
		return
	}
	if codes, ok := object[name+"_codes"].([]any); ok {
		object[name] = codes
		delete(object, name+"_codes")
		return
	}
	for i, text := range words {
		if text, ok := text.(string); ok {
			words[i] = cause.Verbatim(text)
		}
	}
}

// decode reads plan.json strictly into a plan.
func decode(text []byte, p *Plan) error {
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	var tree any
	if err := in.Decode(&tree); err != nil {
		return err
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return errMoreText
	}
	folded, err := json.Marshal(removeWords(tree))
	if err != nil {
		return err
	}
	strict := json.NewDecoder(bytes.NewReader(folded))
	strict.DisallowUnknownFields()
	return strict.Decode(p)
}

// storedText matches the JSON of a cause that carries a text of the former version.
var storedText = regexp.MustCompile(`\{"code":"text","args":\{"en":("(?:[^"\\]|\\.)*"),"ru":"(?:[^"\\]|\\.)*"\}\}`)

// fingerprint returns the SHA-256 of content's JSON. A cause of the former version counts as its words, as in
// that version's digests, so that its plans and parts keep their names.
func fingerprint(content any) string {
	text, err := json.Marshal(content)
	if err != nil {
		panic(fmt.Sprintf("content without a JSON form: %v", err))
	}
	return probe.Hash(slices.Clip(storedText.ReplaceAll(text, []byte("$1"))))
}
