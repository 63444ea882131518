package probe

import (
	"slices"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/mp4"
)

// guessShape returns the shape of pictures whose file does not say it, as far as their size tells. Recorders
// that keep half of the width or of the height seldom say so: "1080N" is 960x1080. pixelWidth and pixelHeight
// are the shape of a pixel as the file has it, or 0. It returns no shape where the file's is kept.
func guessShape(width, height, pixelWidth, pixelHeight int) ffmpeg.Shape {
	size := mp4.Size{Width: width, Height: height}
	said := pixelWidth > 0 && pixelHeight > 0
	switch {
	case said && pixelWidth != pixelHeight:
		return ffmpeg.Shape{}
	case slices.Contains(halvedWide(), size):
		return ffmpeg.Shape{Width: 16, Height: 9}
	case slices.Contains(halvedClassic(), size), !said && slices.Contains(television(), size):
		return ffmpeg.Shape{Width: 4, Height: 3}
	default:
		return ffmpeg.Shape{}
	}
}

// halvedWide lists sizes at which half of a picture of 16:9 is kept.
func halvedWide() []mp4.Size {
	return []mp4.Size{
		{Width: 640, Height: 720}, {Width: 944, Height: 1080}, {Width: 960, Height: 1080}, {Width: 960, Height: 1088},
		{Width: 1280, Height: 1440}, {Width: 1344, Height: 1520}, {Width: 1920, Height: 2160},
		{Width: 1280, Height: 360}, {Width: 1920, Height: 540}, {Width: 1920, Height: 544},
	}
}

// halvedClassic lists sizes at which half of a picture of 4:3, or two thirds, are kept.
func halvedClassic() []mp4.Size {
	return []mp4.Size{
		{Width: 352, Height: 576}, {Width: 352, Height: 480}, {Width: 360, Height: 576}, {Width: 360, Height: 480},
		{Width: 480, Height: 576}, {Width: 528, Height: 576}, {Width: 320, Height: 480}, {Width: 512, Height: 768},
		{Width: 640, Height: 960}, {Width: 1024, Height: 1536}, {Width: 1296, Height: 1944},
		{Width: 704, Height: 288}, {Width: 704, Height: 240}, {Width: 720, Height: 288}, {Width: 720, Height: 240},
		{Width: 640, Height: 240}, {Width: 960, Height: 288}, {Width: 960, Height: 240},
	}
}

// television lists sizes of television pictures of 4:3. Square pixels are usual at these sizes, too.
func television() []mp4.Size {
	return []mp4.Size{
		{Width: 704, Height: 576}, {Width: 720, Height: 576}, {Width: 704, Height: 480}, {Width: 720, Height: 480},
		{Width: 480, Height: 480},
	}
}
