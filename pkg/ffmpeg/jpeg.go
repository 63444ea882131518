package ffmpeg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"time"
)

// JPEG returns the first key frame at or after a time of a file as a JPEG of the
// given size.
func (t *Tool) JPEG(
	ctx context.Context,
	source Source,
	at time.Duration,
	width, height int,
) ([]byte, error) {
	stream, err := t.OpenPictures(ctx, Pictures{
		Source:  source,
		Seek:    &at,
		From:    FirstPTS,
		Until:   LastPTS,
		KeyOnly: true,
		Width:   width,
		Height:  height,
		Format:  RGB24,
	})
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	rgb := make([]byte, RGB24.Bytes(width, height))
	if _, err := stream.Next(rgb); errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the video has no picture at %v: %w", at, err)
	} else if err != nil {
		return nil, err
	}
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		copy(picture.Pix[4*i:], rgb[3*i:3*i+3])
		picture.Pix[4*i+3] = 255
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: 75}); err != nil {
		return nil, fmt.Errorf("write a JPEG: %w", err)
	}
	return out.Bytes(), nil
}
