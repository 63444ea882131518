package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/nvr-miem/merger/pkg/captions"
	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/merge"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/speech"
)

// recognising is the stage in which captions are made, beside those of package merge.
const recognising merge.Phase = "speech"

// openSpeech opens the speech recogniser. What is missing is said at once, before hours of work, and the
// video is made without captions.
func (m *mergeRun) openSpeech(ctx context.Context) {
	var err error
	if m.speech, err = speech.Open(ctx, m.o.speech); err != nil {
		m.mute = speechCause(err)
		_, _ = fmt.Fprintln(m.stderr, m.text.Cause(cause.CaptionsMissing(m.mute)))
	}
}

// captions writes the captions and the transcript beside the video, which is complete, and returns their
// names. A failure is returned as a cause for the report: it never spoils the video.
func (m *mergeRun) captions(ctx context.Context, show *progress) ([]string, cause.Cause) {
	if m.speech == nil {
		return nil, m.mute
	}
	files, err := m.writeCaptions(ctx, show)
	if err != nil {
		return nil, speechCause(err)
	}
	return files, cause.Cause{}
}

// speechCause returns why there are no captions.
func speechCause(err error) cause.Cause {
	if c := fault.CauseOf(err); !c.IsZero() {
		return c
	}
	return cause.SpeechFailed(strings.Join(strings.Fields(err.Error()), " "))
}

func (m *mergeRun) writeCaptions(ctx context.Context, show *progress) (files []string, err error) {
	video, err := rangeproxy.OpenFile(m.o.out)
	if err != nil {
		return nil, err
	}
	defer func() { _ = video.Close() }() // opened for reading only
	served := m.engine.Proxy.Serve(video)
	dir := filepath.Join(m.o.workFolder(), "speech")
	defer func() { err = errors.Join(err, served.Close(), os.RemoveAll(dir)) }()
	const parts = 1000
	listener := &speech.Listener{
		Tool:   m.engine.Tool,
		Engine: m.speech,
		Dir:    dir,
		Progress: func(done float64) {
			show.update(merge.Progress{Phase: recognising, Done: int64(parts * done), Total: parts})
		},
	}
	words, err := listener.Words(ctx, served, speech.Options{})
	if err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(m.o.out, filepath.Ext(m.o.out))
	files = []string{base + ".vtt", base + ".txt"}
	err = writeWhole(files[0], func(w io.Writer) error { return captions.WriteVTT(w, captions.Cues(words)) })
	if err != nil {
		return nil, err
	}
	return files, writeWhole(files[1], func(w io.Writer) error {
		_, err := io.WriteString(w, captions.Transcript(words))
		return err
	})
}
