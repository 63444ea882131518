package ffmpeg

import (
	"context"
	"os/exec"

	"github.com/nvr-miem/merger/pkg/confine"
)

// command is one run of ffmpeg or ffprobe.
type command struct {
	program string
	global  []string // options before the inputs
	inputs  []input
	output  []string // options after the inputs, and the output
	limits  confine.Limits
}

// quiet are the options of every run of ffmpeg: it prints no banner and no statistics, and does not read
// the terminal.
func quiet(level string) []string {
	return []string{"-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+" + level}
}

// args returns the arguments of the program.
func (c command) args() []string {
	args := append([]string{}, c.global...)
	for _, in := range c.inputs {
		args = append(args, in.args()...)
	}
	return append(args, c.output...)
}

// prepare returns the command, ready to start. It is the only place that runs ffmpeg or ffprobe on an
// input.
func (c command) prepare(ctx context.Context) *exec.Cmd {
	return exec.CommandContext(ctx, c.program, c.args()...) // #nosec G204 -- found on the PATH, typed values only
}
