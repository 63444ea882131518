package ffmpeg_test

import (
	"cmp"
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
)

// starters are the files that may start programs. Only command.go starts FFmpeg.
var starters = []string{
	"pkg/ffmpeg/command.go",
	"pkg/localcloud/supervisor/process.go", // this program itself, as the functions
	"pkg/ocr/ocr.go",                       // Tesseract
	"pkg/speech/process.go",                // recognisers of speech
	"pkg/store/storetest/mariadb.go",       // MariaDB, in tests
}

// finders are the files that may name ffmpeg or ffprobe, which looks them up or calls them in a report.
var finders = []string{
	"pkg/doctor/infrastructure.go",
	"pkg/ffmpeg/tool.go",
	"pkg/merge/plan/plan.go",
	"pkg/report/report.go",
}

// TestOnlyOnePlaceStartsFFmpeg reads the whole module: no other file starts a program, names FFmpeg, or
// writes an input.
func TestOnlyOnePlaceStartsFFmpeg(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && len(entry.Name()) > 2 {
			return skipDir(err)
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		name, _ := filepath.Rel(root, path)
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			checkNode(t, filepath.ToSlash(name), n)
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// skipDir returns err, or skips a folder.
func skipDir(err error) error {
	if err != nil {
		return err
	}
	return filepath.SkipDir
}

// checkNode checks one expression of a file.
func checkNode(t *testing.T, name string, n ast.Node) {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		pkg, ok := n.X.(*ast.Ident)
		if !ok {
			return
		}
		call := pkg.Name + "." + n.Sel.Name
		starts := []string{
			"exec.Command", "exec.CommandContext", "os.StartProcess", "syscall.ForkExec", "syscall.Exec",
			"syscall.StartProcess",
		}
		if slices.Contains(starts, call) && !slices.Contains(starters, name) {
			t.Errorf("%s starts a program by %s", name, call)
		}
	case *ast.BasicLit:
		text, _ := strconv.Unquote(n.Value)
		if (text == "ffmpeg" || text == "ffprobe") && !slices.Contains(finders, name) {
			t.Errorf("%s names %s", name, text)
		}
		if text == "-i" && name != "pkg/ffmpeg/input.go" {
			t.Errorf("%s writes an input of FFmpeg", name)
		}
	}
}

// recorded puts programs that note their arguments in the place of FFmpeg, and returns the tool and the
// calls so far, one list of arguments each.
func recorded(t *testing.T) (*ffmpeg.Tool, func() [][]string) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "calls")
	for _, name := range []string{"ffmpeg", "ffprobe"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		script := "#!/bin/sh\n{ printf '%s\\037' " + name + ` "$@"; echo; } >>` + log + "\nexec " + path + ` "$@"` + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return find(t).Replace(dir), func() [][]string {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		var calls [][]string
		for line := range strings.Lines(string(text)) {
			calls = append(calls, strings.Split(strings.TrimSuffix(line, "\037\n"), "\037"))
		}
		return calls
	}
}

// TestEveryInputIsNamed runs everything that starts FFmpeg, and looks at the arguments: each input names
// its container, its decoders, its protocol and, on the network, the time of a read.
func TestEveryInputIsNamed(t *testing.T) {
	t.Parallel()
	clip := serve(
		t, "-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=1", "-f", "lavfi", "-i", "sine=r=48000:d=1",
		"-preset", "ultrafast",
	)
	tool, calls := recorded(t)
	runEverything(t, tool, ffmpeg.URL(clip))
	inputs := 0
	for _, call := range calls() {
		from := 0
		for i, arg := range call {
			if arg != "-i" {
				continue
			}
			inputs++
			checkInput(t, call[from:i], call[i+1])
			from = i + 2
		}
		if from == 0 {
			t.Errorf("a call without an input that could be checked: %q", call)
		}
	}
	if inputs != callsHave {
		t.Errorf("%d inputs, want %d", inputs, callsHave)
	}
}

// checkInput checks the options before an input.
func checkInput(t *testing.T, options []string, location string) {
	t.Helper()
	option := func(name string) string {
		if i := slices.Index(options, name); i >= 0 && i+1 < len(options) {
			return options[i+1]
		}
		return ""
	}
	protocol, _, _ := strings.Cut(location, ":")
	want := map[string]string{"http": "http,tcp", "file": "file", "pipe": "pipe"}[protocol]
	if got := option("-protocol_whitelist"); want == "" || got != want {
		t.Errorf("input %s: protocols %q, want %q", location, got, want)
	}
	if option("-f") == "" || option("-format_whitelist") != option("-f") {
		t.Errorf("input %s: container %q of %q", location, option("-f"), option("-format_whitelist"))
	}
	if option("-codec_whitelist") == "" {
		t.Errorf("input %s names no decoder", location)
	}
	if protocol == "http" && option("-rw_timeout") == "" {
		t.Errorf("input %s has no time limit of a read", location)
	}
}

// callsHave is the number of inputs of the calls of runEverything.
const callsHave = 15

// runEverything calls every function of the package that starts FFmpeg.
func runEverything(t *testing.T, tool *ffmpeg.Tool, clip ffmpeg.Source) {
	t.Helper()
	ctx := t.Context()
	dir := t.TempDir()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	_, err := tool.JPEG(ctx, clip, 0, 64, 64) // and with it OpenPictures
	check(err)
	sound := ffmpeg.Sound{Source: clip, From: ffmpeg.FirstPTS, Until: ffmpeg.LastPTS, Channels: 1}
	stream, err := tool.OpenSound(ctx, sound)
	check(err)
	if err == nil {
		_, err = stream.Read(make([]float32, 100))
		check(err)
		stream.Close()
	}
	_, err = tool.MeasureLevels(ctx, sound)
	check(err)
	_, err = tool.SoundFrames(ctx, clip)
	check(err)
	_, err = tool.MeasureChannels(ctx, sound)
	check(err)
	_, err = tool.MeasureFinished(ctx, sound)
	check(err)
	check(tool.DecodeMono(ctx, clip, 48000, func(int64, []float32) error { return nil }))
	_, err = tool.ListPackets(ctx, clip, 1<<20)
	check(err)

	path := filepath.Join(dir, "clip.mp4")
	check(tool.Record(ctx, ffmpeg.Recording{
		File:     path,
		Pictures: &ffmpeg.RecordedPictures{Codec: ffmpeg.H264, Width: 64, Height: 64, Rate: ffmpeg.Rate{Num: 25, Den: 1}, GOP: 25},
		Sound:    &ffmpeg.RecordedSound{SampleRate: 48000},
	}, zeros(10*64*64*3/2), zeros(2*19200)))
	_, err = tool.PicturePackets(ctx, path)
	check(err)
	check(tool.Copy(ctx, ffmpeg.Copy{From: path, SoundFrom: path, To: filepath.Join(dir, "copy.mp4")}))
	encode(ctx, t, tool)
}

// zeros writes n bytes of a black picture, or of silence.
func zeros(n int) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(make([]byte, n))
		return err
	}
}

// encode encodes a few frames.
func encode(ctx context.Context, t *testing.T, tool *ffmpeg.Tool) {
	t.Helper()
	encoder, err := tool.OpenEncoder(ctx, ffmpeg.Encoding{
		Width: 64, Height: 64, Rate: 25, CRF: 23, GOPFrames: 25, Channels: 1, AudioBytes: 8000,
	}, ffmpeg.EncodeInput{})
	if err != nil {
		t.Error(err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ends := make(chan error, 2)
	go func() {
		ends <- cmp.Or(encoder.WritePicture(make([]byte, 5*64*64*3/2)), encoder.ClosePictures())
	}()
	go func() { ends <- cmp.Or(encoder.WriteSound(make([]float32, 9600)), encoder.CloseSound()) }()
	if _, err := io.Copy(io.Discard, encoder.Output()); err != nil {
		t.Error(err)
	}
	for range 2 {
		select {
		case err := <-ends:
			if err != nil {
				t.Error(err)
			}
		case <-ctx.Done():
			t.Error("the encoder does not end")
		}
	}
	if err := encoder.Wait(); err != nil {
		t.Error(err)
	}
}
