package speech_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// whisperModel is the content of a stand-in's model: what it hears in every clip, and how it behaves.
type whisperModel struct {
	Magic string // "ggml"
	// Words are the segments with their offsets in milliseconds.
	Words []whisperWord
	// Behave is fail, garbage, hang, hog or empty.
	Behave string
	// Args is a file that gets the arguments.
	Args string
}

type whisperWord struct {
	From, To int64
	Text     string
}

// whisperCLI is a stand-in of whisper.cpp's whisper-cli. It takes the flags of the real program that
// package speech uses, checks the model and the sound, and writes the same JSON.
func whisperCLI(args []string) error {
	values := map[string]string{}
	flags := map[string]bool{"-sow": true, "-sns": true, "-np": true, "-oj": true}
	valued := map[string]bool{"-m": true, "-f": true, "-l": true, "-t": true, "-ml": true, "-of": true, "--prompt": true}
	for i := 0; i < len(args); i++ {
		switch {
		case flags[args[i]]:
			values[args[i]] = "on"
		case valued[args[i]] && i+1 < len(args):
			values[args[i]] = args[i+1]
			i++
		default:
			return fmt.Errorf("unknown argument: %s", args[i])
		}
	}
	if n, err := strconv.Atoi(values["-t"]); err != nil || n < 1 {
		return fmt.Errorf("threads %q", values["-t"])
	}
	switch values["-l"] {
	case "ru", "en", "auto":
	default:
		return fmt.Errorf("unknown language '%s'", values["-l"])
	}
	text, err := os.ReadFile(values["-m"])
	if err != nil {
		return err
	}
	var model whisperModel
	if json.Unmarshal(text, &model) != nil || model.Magic != "ggml" {
		return errors.New("failed to load model: bad magic")
	}
	if err := checkWAV(values["-f"]); err != nil {
		return err
	}
	if model.Args != "" {
		if err := os.WriteFile(model.Args, []byte(strings.Join(args, "\n")), 0o600); err != nil {
			return err
		}
	}
	return behave(model, values)
}

// behave does what the model says.
func behave(model whisperModel, values map[string]string) error {
	switch model.Behave {
	case "fail":
		return errors.New("failed to process audio")
	case "garbage":
		return os.WriteFile(values["-of"]+".json", []byte(`{"transcription": [{"offsets`), 0o600)
	case "hang":
		fmt.Fprintln(os.Stderr, "started")
		if err := os.WriteFile(model.Args, nil, 0o600); err != nil {
			return err
		}
		select {}
	case "hog":
		hog := make([]byte, 8<<30)
		fmt.Fprintln(os.Stderr, len(hog))
		return nil
	}
	type stamps struct{ From, To string }
	type offsets struct {
		From int64 `json:"from"`
		To   int64 `json:"to"`
	}
	type segment struct {
		Timestamps stamps  `json:"timestamps"`
		Offsets    offsets `json:"offsets"`
		Text       string  `json:"text"`
	}
	var result struct {
		SystemInfo string `json:"systeminfo"`
		Result     struct {
			Language string `json:"language"`
		} `json:"result"`
		Transcription []segment `json:"transcription"`
	}
	result.Result.Language = values["-l"]
	for _, w := range model.Words {
		result.Transcription = append(result.Transcription, segment{Offsets: offsets{w.From, w.To}, Text: w.Text})
	}
	out, err := json.MarshalIndent(result, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(values["-of"]+".json", out, 0o600)
}

// checkWAV refuses what whisper-cli does not read: it wants 16 kHz and PCM of 16 bits.
func checkWAV(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if len(data) < 44 || !bytes.Equal(data[:4], []byte("RIFF")) || !bytes.Equal(data[8:16], []byte("WAVEfmt ")) {
		return errors.New("failed to read audio file: no WAV")
	}
	u16, u32 := binary.LittleEndian.Uint16, binary.LittleEndian.Uint32
	if u16(data[20:]) != 1 || u16(data[22:]) != 1 || u32(data[24:]) != 16000 || u16(data[34:]) != 16 {
		return errors.New("failed to read audio file: want PCM, 1 channel, 16 kHz, 16 bits")
	}
	if int(u32(data[40:])) != len(data)-44 || int(u32(data[4:])) != len(data)-8 {
		return errors.New("failed to read audio file: its length is wrong")
	}
	return nil
}
