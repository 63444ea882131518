package recorder

import (
	_ "embed" // for the texts
	"encoding/json"
	"fmt"
)

// textsFile holds the texts that pictures show, in Russian and English.
//
//go:embed texts.json
var textsFile []byte

// texts are the texts that pictures show.
type texts struct {
	Sign   string     `json:"sign"`   // on the wall of the lecture room
	Boards [][]string `json:"boards"` // boardLines lines a board
	Slides []topic    `json:"slides"`
	Code   []string   `json:"code"` // of the slide with code
}

// topic is a slide.
type topic struct {
	Title  string   `json:"title"`
	Lines  []string `json:"lines"`
	Figure figure   `json:"figure"`
}

// readTexts reads the embedded texts. They are compiled in, so that an error is a broken build,
// and a panic.
func readTexts() texts {
	var t texts
	if err := json.Unmarshal(textsFile, &t); err != nil {
		panic(fmt.Sprintf("recorder: built-in texts: %v", err))
	}
	return t
}
