package merge_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nvr-miem/merger/pkg/merge"
)

var errStorage = errors.New("the bucket is on fire")

// trouble is what a storage does from a byte of an object on.
type trouble struct {
	name string
	err  error // io.EOF: it ends there, whatever its size says
	once bool  // it is well again afterwards
	when merge.Phase
}

// storage are merges of segments whose storage fails: an error, never a hole, and never a video.
func storage() []faultTest {
	return []faultTest{
		{"storage fails", func(s *damageCase) {
			for _, trouble := range []trouble{
				{"at the index", errStorage, false, merge.Surveying},
				{"for ever, while the sound is measured", errStorage, false, merge.Analysing},
				{"once, while the sound is measured", errStorage, true, merge.Analysing},
				{"ends early, while the sound is measured", io.EOF, false, merge.Analysing},
				{"for ever, while rendering", errStorage, false, merge.Rendering},
				{"once, while rendering", errStorage, true, merge.Rendering},
				{"ends early, while rendering", io.EOF, false, merge.Rendering},
			} {
				s.failing(trouble)
			}
			m := s.merge(faultyRequest())
			m.shows(allThere())
			m.noGaps(lecturerCam, boardCam)
		}},
		{"cancelled", func(s *damageCase) {
			ctx, cancel := context.WithCancelCause(s.Context())
			defer cancel(nil)
			s.progress = func(p merge.Progress) {
				if p.Phase == merge.Rendering && p.Done > 100 {
					cancel(errStorage)
				}
			}
			m, err := s.tryIn(ctx, faultyRequest(), s.clips())
			s.nothing(m, "cancelled", err)
			s.progress = nil
			s.merge(faultyRequest()).shows(allThere())
		}},
	}
}

// failing merges while the storage of the lecturer's second file is in trouble.
func (s *damageCase) failing(t trouble) {
	s.Helper()
	var now atomic.Bool
	s.progress = func(p merge.Progress) {
		if p.Phase == t.when {
			now.Store(true)
		}
	}
	defer func() { s.progress = nil }()
	clips := s.clips()
	for i := range clips {
		if clips[i].Path != fileOf(lecturerCam, 1) {
			continue
		}
		open := clips[i].Open
		clips[i].Generation += t.name // nothing is known of it
		clips[i].Open = func(ctx context.Context) (merge.Bytes, error) {
			bytes, err := open(ctx)
			return &troubled{Bytes: bytes, trouble: t, now: &now}, err
		}
	}
	m, err := s.try(faultyRequest(), clips)
	s.nothing(m, t.name, err)
	if t.err != io.EOF && !errors.Is(err, errStorage) { //nolint:errorlint // a value of the table
		s.Errorf("%s: %v, want the storage's own error", t.name, err)
	}
}

// nothing wants a merge to have failed, by an error that is not about the footage, and to have left no
// video and no damage that is none.
func (s *damageCase) nothing(m *merged, name string, err error) {
	s.Helper()
	var damaged *merge.DamagedError
	if err == nil || errors.Is(err, merge.ErrNoFootage) || errors.As(err, &damaged) {
		s.Errorf("%s: %v, want an error of the storage", name, err)
	}
	for _, path := range []string{
		m.path,
		filepath.Join(filepath.Dir(m.path), ".merge.mp4.partial"),
		filepath.Join(s.work, "damage.json"),
	} {
		if _, err := os.Stat(path); err == nil {
			s.Errorf("%s: %s is there", name, path)
		}
	}
}

// troubled is an object whose storage is in trouble from its middle on; one that fails at the index
// is so from its first byte on.
type troubled struct {
	merge.Bytes
	trouble
	now *atomic.Bool
}

// ReadAt implements io.ReaderAt.
func (o *troubled) ReadAt(p []byte, off int64) (int, error) {
	end := o.Size() / 4
	if o.when == merge.Surveying {
		end = 0
	}
	if off+int64(len(p)) <= end || !o.now.Load() || o.when == merge.Analysing && off == 0 {
		return o.Bytes.ReadAt(p, off)
	}
	if o.once {
		o.now.Store(false)
	}
	n, err := o.Bytes.ReadAt(p[:max(0, min(int64(len(p)), end-off))], off)
	if err != nil {
		return n, err
	}
	return n, o.err
}

// flat watches the memory of FFmpeg while do runs: no process may take more than so many MB.
func (s *damageCase) flat(limitMB int64, do func()) {
	s.Helper()
	done, peak := make(chan struct{}), make(chan int64)
	go func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		most := int64(0)
		for {
			select {
			case <-ticker.C:
				most = max(most, largestChild())
			case <-done:
				peak <- most
				return
			}
		}
	}()
	do()
	close(done)
	if most := <-peak; most > limitMB<<20 || most == 0 {
		s.Errorf("an FFmpeg took %d MB, want at most %d", most>>20, limitMB)
	}
}

// largestChild is the peak of resident memory of the largest FFmpeg that this process has started. A
// child that has not become FFmpeg yet shares the memory of this process and is passed over.
func largestChild() int64 {
	most := int64(0)
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		children, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, child := range strings.Fields(string(children)) {
			name, err := os.ReadFile(filepath.Join("/proc", child, "comm"))
			if err != nil || string(name) != "ffmpeg\n" {
				continue // it has ended, or not begun
			}
			status, err := os.ReadFile(filepath.Join("/proc", child, "status"))
			if err != nil {
				continue // it has ended
			}
			_, after, _ := strings.Cut(string(status), "VmHWM:")
			if fields := strings.Fields(after); len(fields) > 0 {
				kilobytes, _ := strconv.ParseInt(fields[0], 10, 64)
				most = max(most, kilobytes<<10)
			}
		}
	}
	return most
}
