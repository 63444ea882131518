package apidesc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Trim takes out of a description what only people read, and what [Parse] does not use: what is left
// is small enough to stand in a program.
func Trim(description []byte) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(description, &doc); err != nil {
		return nil, fmt.Errorf("trim an API description: %w", err)
	}
	for key := range doc {
		if !slices.Contains([]string{"name", "version", "revision", "servicePath", "parameters", "schemas", "methods", "resources"}, key) {
			delete(doc, key)
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetIndent("", " ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(trimmed(doc, false)); err != nil {
		return nil, fmt.Errorf("trim an API description: %w", err)
	}
	return out.Bytes(), nil
}

// trimmed keeps every key where keys are names of fields and parameters, and only the useful ones elsewhere.
func trimmed(value any, names bool) any {
	switch v := value.(type) {
	case map[string]any:
		for key, sub := range v {
			if !names && slices.Contains([]string{
				"description", "enumDescriptions", "annotations", "scopes", "mediaUpload", "parameterOrder", "response",
				"pattern", "default", "minimum", "maximum", "deprecated", "enumDeprecated", "supportsMediaUpload",
				"supportsMediaDownload", "useMediaDownloadService", "supportsSubscription", "readOnly", "etagRequired", "apiVersion",
			}, key) {
				delete(v, key)
				continue
			}
			named := slices.Contains([]string{"properties", "parameters", "schemas", "methods", "resources"}, key)
			v[key] = trimmed(sub, named && !names)
		}
	case []any:
		for i := range v {
			v[i] = trimmed(v[i], false)
		}
	}
	return value
}
