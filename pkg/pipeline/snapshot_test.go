package pipeline_test

import (
	"os"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/pipeline"
)

func writeFile(path string, text []byte) error { return os.WriteFile(path, text, 0o600) }

// recordOf makes a record that of an event.
func recordOf(event string) func(*nvr.Record) {
	return func(r *nvr.Record) { r.EventID = event }
}

// download reads a file on Drive.
func (w *env) download(id string) []byte {
	w.t.Helper()
	return []byte(w.call("GET", "/workspace/drive/v3/files/"+id+"?alt=media", nil)["body"].(string))
}

// withAct puts an act that was taken out of a world back into its photograph.
func withAct(s snapshot, w *env, a step) snapshot {
	switch a.name {
	case "claim":
	case "merge":
		s.tasks = append([]pipeline.Task{a.task}, w.tasks...)
	default:
		s.queue = append([]nvr.Claim{a.claim}, w.queue...)
	}
	return s
}

func (w *env) read(path string) []byte {
	w.t.Helper()
	text, err := os.ReadFile(path)
	w.must(err)
	return text
}
