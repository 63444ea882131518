package ffmpeg

import "path/filepath"

// Replace makes a tool use the programs of a folder.
func (t *Tool) Replace(dir string) *Tool {
	replaced := *t
	replaced.ffmpeg = filepath.Join(dir, "ffmpeg")
	replaced.ffprobe = filepath.Join(dir, "ffprobe")
	return &replaced
}
