package main

import (
	"context"

	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/ocr"
	"github.com/nvr-miem/merger/pkg/presence"
)

// newJudge is the judge of screen recordings, with cards out of a folder beside its own. Where no
// reader of text is installed it judges by sight alone, and its causes say so.
func newJudge(ctx context.Context, tool *ffmpeg.Tool, folder string) (*presence.Judge, error) {
	cards, err := presence.LoadCards(folder)
	if err != nil {
		return nil, err
	}
	reader, err := ocr.Find(ctx)
	if err != nil {
		return nil, err
	}
	return &presence.Judge{Tool: tool, Cards: cards, Reader: reader}, nil
}
