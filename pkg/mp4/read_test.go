package mp4_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/mp4"
)

// Sources of pictures and sound for the clips.
const (
	pictures  = "testsrc2=s=320x180:r=25:d=4"
	ntsc      = "testsrc2=s=320x180:r=30000/1001:d=4"
	sound     = "sine=f=440:r=48000:d=4"
	cdSound   = "sine=f=440:r=44100:d=4"
	fastVideo = "-c:v libx264 -preset ultrafast -g 25 -bf 2"
)

// lavfi turns sources into inputs.
func lavfi(sources ...string) []string {
	var args []string
	for _, s := range sources {
		args = append(args, "-f", "lavfi", "-i", s)
	}
	return args
}

// readCases are the ways in which recorders' files differ, as FFmpeg can make them.
func readCases(t *testing.T, dir string) map[string]string {
	t.Helper()
	base := clip(t, dir, append(
		lavfi(pictures, sound),
		append(strings.Fields(fastVideo), "base.mp4")...,
	)...)
	other := clip(
		t,
		dir,
		append(
			lavfi("testsrc2=s=640x360:r=25:d=2", "sine=r=48000:d=2"),
			append(strings.Fields(fastVideo), "other.mp4")...,
		)...,
	)
	list := filepath.Join(dir, "list.txt")
	writeFile(t, list, fmt.Sprintf("file '%s'\nfile '%s'\n", base, other))
	made := map[string]string{"B-frames": base}
	add := func(name string, inputs []string, output string) {
		file := strings.NewReplacer(" ", "_", ".", "_").Replace(name) + ".mp4"
		made[name] = clip(t, dir, append(inputs, append(strings.Fields(output), file)...)...)
	}
	in := func(args ...string) []string { return args }
	add("no B-frames", lavfi(pictures, sound), "-c:v libx264 -preset ultrafast -bf 0")
	add(
		"variable rate",
		lavfi(pictures, sound),
		`-vf select='not(between(mod(n,11),3,5))',setpts='PTS+mod(N,3)*0.01/TB' -fps_mode vfr `+fastVideo,
	)
	add("late timestamps", lavfi(pictures, sound), fastVideo+" -output_ts_offset 0.5")
	add(
		"late timestamps without edit list",
		lavfi(pictures, sound),
		fastVideo+" -output_ts_offset 0.5 -use_editlist 0 -avoid_negative_ts disabled",
	)
	add("no edit list", lavfi(pictures, sound), fastVideo+" -use_editlist 0")
	add("cut inside a GOP", in("-ss", "1.5", "-i", base), "-c copy")
	add("cut before a key", in("-ss", "0.9", "-i", base), "-c copy -t 2.3")
	add(
		"late sound",
		append(lavfi(pictures), "-itsoffset", "0.7", "-i", base),
		"-map 0:v -map 1:a "+fastVideo,
	)
	add(
		"late picture",
		append(in("-itsoffset", "0.3", "-i", base), "-i", base),
		"-map 0:v -map 1:a -c copy",
	)
	add(
		"early sound",
		append(in("-i", base, "-ss", "0.51"), "-i", base),
		"-map 0:v -map 1:a -c copy",
	)
	add("moov first", lavfi(pictures, sound), fastVideo+" -movflags +faststart")
	add("44.1 kHz", lavfi(pictures, cdSound), fastVideo)
	add(
		"HEVC",
		lavfi(pictures, sound),
		"-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25",
	)
	add(
		"hvc1 open GOP",
		lavfi(pictures),
		"-c:v libx265 -tag:v hvc1 -x265-params log-level=error:keyint=25:open-gop=1",
	)
	add("29.97", lavfi(ntsc, sound), fastVideo)
	add("timescale 90000", lavfi(pictures, sound), fastVideo+" -video_track_timescale 90000")
	add("timescale 1000 ntsc", lavfi(ntsc, sound), fastVideo+" -video_track_timescale 1000")
	add("movie timescale", lavfi(ntsc, sound), fastVideo+" -movie_timescale 600")
	add("negative offsets", lavfi(pictures, sound), fastVideo+" -movflags +negative_cts_offsets")
	add(
		"negative offsets late",
		lavfi(pictures, sound),
		fastVideo+" -movflags +negative_cts_offsets -output_ts_offset 0.5",
	)
	add(
		"negative offsets cut",
		in("-ss", "1.5", "-i", base),
		"-c copy -movflags +negative_cts_offsets",
	)
	add("two sizes", in("-f", "concat", "-safe", "0", "-i", list), "-c copy")
	add("sound only", lavfi(sound), "-c:a aac")
	add("sound second stream first", lavfi(sound, pictures), "-map 0:a -map 1:v "+fastVideo)
	add("one picture", lavfi(pictures), "-frames:v 1 "+fastVideo)
	add("avc3", in("-i", base), "-c copy -tag:v avc3 -bsf:v h264_mp4toannexb")
	add("two sounds", lavfi(pictures, sound, cdSound), "-map 0 -map 1 -map 2 "+fastVideo)
	return made
}

func TestReadAgreesWithFFmpeg(t *testing.T) {
	t.Parallel()
	for name, path := range readCases(t, t.TempDir()) {
		t.Run(name, func(t *testing.T) { agree(t, path) })
	}
}

// agree compares what Read says with ffprobe's packets and ffmpeg's pictures.
func agree(t *testing.T, path string) {
	t.Helper()
	agreePackets(t, path)
	file := open(t, path)
	for i := range file.Tracks {
		if track := &file.Tracks[i]; track.Kind != mp4.Other {
			agreeDecoded(t, path, track, i)
		}
	}
}

// agreePackets compares what Read says with ffprobe's packets.
func agreePackets(t *testing.T, path string) {
	t.Helper()
	file := open(t, path)
	all := packets(t, path, len(file.Tracks))
	for i := range file.Tracks {
		track := &file.Tracks[i]
		if track.Kind == mp4.Other {
			continue // FFmpeg reads chapters by itself
		}
		var got, want []packet
		for _, s := range track.Samples {
			if s.Lost {
				t.Errorf("track %d: sample at %d is said to be lost", i, s.Offset)
			}
			if !s.Hidden {
				got = append(got, packet{
					Stream: i,
					PTS:    s.PTS,
					Size:   s.Size,
					Pos:    s.Offset,
					Flags:  map[bool]string{true: "K", false: "_"}[s.Key],
				})
			}
		}
		for _, p := range all[i] {
			if p.Flags[1] != 'D' {
				p.Flags = p.Flags[:1]
				want = append(want, p)
			}
		}
		compare(t, fmt.Sprintf("packets of track %d", i), got, want)
	}
}

// agreeDecoded compares the presented times of a track with those ffmpeg decodes.
func agreeDecoded(t *testing.T, path string, track *mp4.Track, stream int) {
	t.Helper()
	if track.Kind == mp4.Audio {
		decoded := decodedPTS(t, path, fmt.Sprintf("a:%d?", audioIndex(t, path, stream)))
		if first, ok := track.First(); !ok || len(decoded) == 0 || decoded[0] != first.Ticks {
			t.Errorf(
				"sound begins at %v, FFmpeg decodes %v…",
				first, decoded[:min(3, len(decoded))],
			)
		}
		return
	}
	var presented []int64
	for _, s := range track.Samples {
		if !s.Hidden {
			presented = append(presented, s.PTS)
		}
	}
	slices.Sort(presented)
	compare(t, "pictures", presented, decodedPTS(t, path, "v:0"))
	if first, ok := track.First(); !ok || first.Ticks != presented[0] {
		t.Errorf("First = %v, want %d", first, presented[0])
	}
}

func audioIndex(t *testing.T, path string, stream int) int {
	t.Helper()
	n := 0
	for i, track := range open(t, path).Tracks {
		if track.Kind == mp4.Audio && i < stream {
			n++
		}
	}
	return n
}

func compare[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s: number %d of %d is %v, want %v", what, i, len(got), got[i], want[i])
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: got %d, want %d", what, len(got), len(want))
	}
}
