package sound

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
)

// TestKinds measures sounds as recorders encode them, and wants voices told from what is none.
func TestKinds(t *testing.T) {
	t.Parallel()
	tool, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := rangeproxy.Listen(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	const speech = "flite=text='Good morning. Today we look at sums of squares, and at what they are good for. " +
		"Please open the book at page seventeen. Who wants to begin? Thank you. The first one is easy.':voice=slt"
	for _, tt := range []struct {
		name, source, filter string
		want                 blockKind
	}{
		{"speech", speech, "aresample=48000", kindVoice},
		{"quiet speech", speech, "aresample=48000,volume=-45dB", kindVoice},
		{"speech in noise", speech, "aresample=48000,volume=0.3[s];" +
			"anoisesrc=a=0.03:c=pink:r=48000:seed=1[n];[s][n]amix=2:duration=first", kindVoice},
		{"speech over a hum", speech, "aresample=48000,volume=0.1[s];" +
			"aevalsrc='0.1*sin(2*PI*50*t)+0.05*sin(2*PI*100*t)':s=48000[n];[s][n]amix=2:duration=first", kindVoice},
		{"constant", "aevalsrc='0.05':s=48000:d=12", "", kindConstant},
		{"constant and dither", "aevalsrc='-0.2+0.00002*(random(0)-0.5)':s=48000:d=12", "", kindConstant},
		{"hum",
			"aevalsrc='0.1*sin(2*PI*50*t)+0.05*sin(2*PI*100*t)+0.02*sin(2*PI*150*t)':s=48000:d=12", "", kindHum},
		{"swelling hum",
			"aevalsrc='0.1*(1+0.3*sin(PI*t))*(sin(2*PI*49.9*t)+0.5*sin(2*PI*149.7*t))':s=48000:d=12", "", kindHum},
		{"hum of 60 Hz with knocks",
			"aevalsrc='0.1*sin(2*PI*60*t)+0.1*sin(2*PI*120*t)+0.5*(random(0)-0.5)*lt(mod(t,7),0.05)':s=48000:d=12",
			"", kindHum},
		{"white noise", "anoisesrc=a=0.1:c=white:r=48000:d=12:seed=3", "", kindNoise},
		{"pink noise", "anoisesrc=a=0.1:c=pink:r=48000:d=12:seed=4", "", kindNoise},
		{"brown noise", "anoisesrc=a=0.3:c=brown:r=48000:d=12:seed=5", "", kindNoise},
		{"faint noise", "anoisesrc=a=0.003:c=pink:r=48000:d=12:seed=6", "", kindNoise},
		{"tone", "sine=f=440:r=48000:d=12", "", kindNoise},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "sound.mp4")
			args := []string{"-v", "error", "-nostdin", "-f", "lavfi", "-i", tt.source}
			if tt.filter != "" {
				args = append(args, "-filter_complex", tt.filter)
			}
			args = append(args, "-c:a", "aac", "-b:a", "96k", path)
			out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput() // #nosec G204
			if err != nil {
				t.Fatalf("%v %s", err, out)
			}
			checkKinds(t, tool, proxy, path, tt.want)
		})
	}
}

func checkKinds(t *testing.T, tool *ffmpeg.Tool, proxy *rangeproxy.Proxy, path string, want blockKind) {
	file, err := rangeproxy.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	served := proxy.Serve(file)
	levels, err := tool.MeasureLevels(t.Context(), ffmpeg.Sound{
		Source: served, From: ffmpeg.FirstPTS, Until: ffmpeg.LastPTS, Channels: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = served.Close()
	var blocks []voiceBlock
	for _, l := range levels.Blocks {
		packed := packedTraits(l.Traits)
		block := loudBlock{peak: hundredths(l.TruePeakDBTP)}
		blocks = append(blocks, voiceBlockOf(block, unpackedTraits(packed[:]), -7000))
	}
	count := map[blockKind]int{}
	for _, k := range kindsOf(blocks) {
		count[k]++
	}
	if count[want] < len(blocks)*9/10 {
		t.Errorf("%d of %d blocks are of the kind %d: %v", count[want], len(blocks), want, count)
	}
}

// TestVoiceBeginsAfterGap has samples that begin in the middle of a word, after a gap: the voice is there at once.
func TestVoiceBeginsAfterGap(t *testing.T) {
	t.Parallel()
	blocks := make([]voiceBlock, 400)
	for i := range blocks {
		level := -50.0
		if i%10 == 0 {
			level = -20
		}
		there := i < 100 || i >= 300 // 300 is loud, and nothing before it is lower
		blocks[i] = voiceBlock{there: there, peak: level + 10, power: level, voice: level}
	}
	for i, kind := range kindsOf(blocks) {
		if want := blocks[i].there; (kind == kindVoice) != want {
			t.Errorf("block %d is of the kind %d", i, kind)
		}
	}
}
