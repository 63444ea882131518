package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"time"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/footage"
	"github.com/nvr-miem/merger/pkg/report"
)

// thumbWidth is how wide the report's pictures are, in pixels.
const thumbWidth = 480

// thumbnails takes pictures of the finished video every few minutes.
func thumbnails(ctx context.Context, r *report.Report, tool *ffmpeg.Tool, proxy *footage.Proxy) ([]report.Thumb, error) {
	file, err := footage.OpenFile(r.Output.Path)
	if err != nil {
		return nil, fmt.Errorf("take pictures of the video: %w", err)
	}
	defer func() { _ = file.Close() }() // opened for reading only
	served := proxy.Serve(file)
	var thumbs []report.Thumb
	length := r.Record.End.Sub(r.Record.Start.Time)
	every := thumbnailEvery(length)
	for at := min(every, length) / 2; at < length; at += every {
		jpg, err := thumbnail(ctx, tool, served.URL, at, thumbWidth, thumbWidth*r.Output.Height/r.Output.Width/2*2)
		if err != nil {
			return nil, fmt.Errorf("take a picture of the video at %v: %w", at, err)
		}
		thumbs = append(thumbs, report.Thumb{At: r.Record.Start.Add(at), JPEG: jpg})
	}
	return thumbs, served.Close()
}

// thumbnail is the first picture at or after a time, as JPEG.
func thumbnail(ctx context.Context, tool *ffmpeg.Tool, url string, at time.Duration, width, height int) ([]byte, error) {
	stream, err := tool.OpenPictures(ctx, ffmpeg.Pictures{
		URL: url, Seek: &at, From: ffmpeg.FirstPTS, Until: ffmpeg.LastPTS, KeyOnly: true, Width: width, Height: height, Format: ffmpeg.RGB24,
	})
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	rgb := make([]byte, ffmpeg.RGB24.Bytes(width, height))
	if _, err := stream.Next(rgb); err != nil {
		return nil, errors.Join(err, errIf(errors.Is(err, io.EOF), "the video has no picture there"))
	}
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		copy(picture.Pix[4*i:], rgb[3*i:3*i+3])
		picture.Pix[4*i+3] = 255
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: 75}); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func errIf(is bool, text string) error {
	if is {
		return errors.New(text)
	}
	return nil
}
