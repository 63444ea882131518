package main

import (
	"context"
	"fmt"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/rangeproxy"
	"github.com/nvr-miem/merger/pkg/report"
)

// thumbWidth is how wide the report's pictures are, in pixels.
const thumbWidth = 480

// thumbnails takes pictures of the finished video every few minutes.
func thumbnails(ctx context.Context, r *report.Report, tool *ffmpeg.Tool, proxy *rangeproxy.Proxy) ([]report.Thumb, error) {
	file, err := rangeproxy.OpenFile(r.Output.Path)
	if err != nil {
		return nil, fmt.Errorf("take pictures of the video: %w", err)
	}
	defer func() { _ = file.Close() }() // opened for reading only
	served := proxy.Serve(file)
	var thumbs []report.Thumb
	length := r.Record.End.Sub(r.Record.Start.Time)
	every := thumbnailEvery(length)
	for at := min(every, length) / 2; at < length; at += every {
		jpg, err := tool.JPEG(
			ctx,
			served,
			at,
			thumbWidth,
			thumbWidth*r.Output.Height/r.Output.Width/2*2,
		)
		if err != nil {
			return nil, fmt.Errorf("take a picture of the video at %v: %w", at, err)
		}
		thumbs = append(thumbs, report.Thumb{At: r.Record.Start.Add(at), JPEG: jpg})
	}
	return thumbs, served.Close()
}
