package main

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// footagePair is what the bench merges: a camera and a screen, 1080p25, a key frame every 2 s.
type footagePair struct {
	dir, lecturer, screen string
}

// footageLength is how long it is, in seconds: a little longer than what is merged of it.
const footageLength = costFrom + costLength + 2

// The camera pans slowly over a textured wall, a textured figure walks before it, and the sensor is
// noisy: about 4 Mb/s. The voice is syllables of a hum and noise, with pauses.
const (
	wall = "nullsrc=s=2112x1188:r=1:d=1,format=yuv444p,geq=lum='120+35*sin(X/53+3*sin(Y/81))+25*sin(Y/19+2*sin(X/37))+20*sin(X*Y/9000)'" +
		":cb='120+15*sin(X/211+Y/97)':cr='132+12*sin(Y/151-X/89)'"
	figure   = "nullsrc=s=420x840:r=1:d=1,format=yuv444p,geq=lum='70+30*sin(X/11+2*sin(Y/23))+25*sin(Y/61)':cb='110+10*sin(Y/90)':cr='150+15*sin(X/70)'"
	voice    = "aevalsrc='0.3*(sin(2*PI*140*t)+0.5*sin(2*PI*283*t)+0.3*sin(2*PI*566*t)+0.3*(random(0)-0.5))*max(0,sin(2*PI*3.1*t))*lt(mod(t,5),4.2)':s=48000"
	lecturer = "[0]crop=1920:1080:x='96+80*sin(t/4)':y='54+20*sin(t/7)'[w];" +
		"[w][1]overlay=x='700+500*sin(t/5)':y='260+15*sin(t*2)':shortest=1,noise=alls=7:allf=t,format=yuv420p"
)

// The screen shows slides that change every 7 s, and for half the time a film.
const (
	slides = `color=white:s=1920x1080:r=25,drawtext=text='Lecture %{eif\:t/7\:d}\: fields and waves':fontsize=80:x=120:y=90,` +
		`drawtext=text='div E = rho / eps0 ... the flux through a closed surface':fontsize=44:x=160:y=300,` +
		`drawtext=text='%{eif\:7*floor(t/7)\:d} curl H = j + dD/dt, and what follows from it':fontsize=44:x=160:y=420,` +
		`drawbox=x=1100:y=560:w=600:h=360:color=steelblue:t=fill`
	film = "[1]crop=1920:1080:x='96+90*sin(t*1.3)':y='54+50*cos(t*0.9)',eq=brightness='0.1*sin(t)':eval=frame,noise=alls=3:allf=t[f];[0][f]overlay=enable='gte(mod(t,20),12)'"
)

// costFootage makes the footage where it is not there yet.
func costFootage(b *testing.B, dir string) footagePair {
	b.Helper()
	f := footagePair{dir: filepath.Join(dir, "segments")}
	f.lecturer, f.screen = filepath.Join(f.dir, "2026-11-20_15:00_504_24.mp4"), filepath.Join(f.dir, "2026-11-20_15:00_504_21.mp4")
	if fileSize(f.lecturer) > 0 && fileSize(f.screen) > 0 {
		return f
	}
	if err := os.MkdirAll(f.dir, 0o750); err != nil {
		b.Fatal(err)
	}
	wallFile, figureFile := filepath.Join(dir, "wall.png"), filepath.Join(dir, "figure.png")
	camera := []string{
		"-t",
		strconv.Itoa(footageLength),
		"-c:v",
		"libx264",
		"-preset",
		"veryfast",
		"-g",
		"50",
		"-keyint_min",
		"50",
		"-sc_threshold",
		"0",
		"-bf",
		"0",
		"-maxrate",
		"5M",
		"-bufsize",
		"8M",
		"-pix_fmt",
		"yuv420p",
		"-movflags",
		"+faststart",
		"-f",
		"mp4",
	}
	part := filepath.Join(dir, "part")
	for _, step := range [][]string{
		{"-f", "lavfi", "-i", wall, "-frames:v", "1", wallFile},
		{"-f", "lavfi", "-i", figure, "-frames:v", "1", figureFile},
		append(append([]string{"-loop", "1", "-framerate", "25", "-i", wallFile, "-loop", "1", "-framerate", "25", "-i", figureFile,
			"-f", "lavfi", "-i", voice, "-filter_complex", lecturer, "-b:v", "4M", "-c:a", "aac", "-b:a", "96k", "-ac", "1"}, camera...), part+"24"),
		append(
			append(
				[]string{"-f", "lavfi", "-i", slides, "-loop", "1", "-framerate", "25", "-i", wallFile, "-filter_complex", film, "-b:v", "2400k"},
				camera...,
			),
			part+"21",
		),
	} {
		command(b, "ffmpeg", append([]string{"-v", "error", "-nostdin", "-y"}, step...)...)
	}
	for from, to := range map[string]string{part + "24": f.lecturer, part + "21": f.screen} {
		if err := os.Rename(from, to); err != nil {
			b.Fatal(err)
		}
	}
	return f
}
