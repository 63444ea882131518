package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// environmentFile keeps what the machine gave its functions, for the doctor.
const environmentFile = "environment.json"

// keepEnvironment writes it for the doctor; it holds a secret.
func keepEnvironment(dir string, values map[string]string) error {
	text, err := json.MarshalIndent(values, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, environmentFile), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("keep the environment for the doctor: %w", err)
	}
	return nil
}

// Environment is what the machine on a folder gave its functions; nil if none has run there.
func Environment(dir string) (map[string]string, error) {
	file := filepath.Join(dir, environmentFile)
	text, err := os.ReadFile(file) // #nosec G304 -- the user's own folder
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var values map[string]string
	if err == nil {
		err = json.Unmarshal(text, &values)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s, which serve writes at its start: %w", file, err)
	}
	return values, nil
}
