package presence

import (
	"image"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/ocr"
)

// read is what a reader would give of lines of words.
func read(lines ...string) []ocr.Word {
	var words []ocr.Word
	for i, line := range lines {
		x := 40
		for w := range strings.FieldsSeq(line) {
			words = append(words, ocr.Word{
				Text:       w,
				Confidence: 90,
				Box:        image.Rect(x, 40*i, x+12*len(w), 40*i+20),
			})
			x += 12*len(w) + 12
		}
	}
	return words
}

func TestInterpret(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		lines       []string
		splash      bool // it says that there is no signal
		label       bool // it names an input or a mode, nothing else
		clock, page bool // it tells the time; it says something else
	}{
		{lines: []string{"NO SIGNAL"}, splash: true},
		{lines: []string{"NO SIGNA1"}, splash: true},
		{lines: []string{"Input not detected"}, splash: true},
		{lines: []string{"VGA-1 No Input Signal"}, splash: true},
		{lines: []string{"HDCP protected content"}, splash: true},
		{lines: []string{"EPIPHAN", "No signal detected", "15:10:08"}, splash: true, clock: true},
		{lines: []string{"Сигнала нет.", "Проверьте кабель"}, splash: true},
		{lines: []string{"No signal", "Input: HDMI Format: --"}, splash: true},
		{lines: []string{"Нет сигнала", "Проверьте подключение кабеля НОМ!"}, splash: true},
		{
			lines:  []string{"No signal", "Check the cable behind the lectern"},
			splash: true,
		}, // the longer phrase is part of a sentence
		{lines: []string{"Нет сигнала без шума", "Проверьте подключение датчика сами"}, page: true},
		{lines: []string{"HDMI2 1920x1080"}, label: true, page: true},
		{lines: []string{"HOMI 1"}, label: true, page: true}, // a D that was read as an O
		{lines: []string{"2026-11-20 15:10:08"}, clock: true},
		{lines: []string{"Part 1"}, page: true},
		{lines: []string{"Signal theory", "No signal without noise"}, page: true},
		{lines: []string{"Input and output"}, label: true, page: true},
		{
			lines: []string{"No signal: what to do", "Look at the cable behind you", "Turn the projector on again", "Call the technician now"},
			page:  true,
		},
	} {
		r := interpretText(read(tt.lines...), false)
		if (r.phrase != "") != tt.splash || r.clock != tt.clock || !tt.splash && (r.label != tt.label || (r.others > 0) != tt.page) {
			t.Errorf("%q is read as %+v", tt.lines, r)
		}
	}
}

// TestNumbersAreNoClock: a per cent on a page that was badly encoded, so that it seems to run, is no time.
func TestNumbersAreNoClock(t *testing.T) {
	t.Parallel()
	if r := interpretText(read("Color bars (EBU 100%)"), true); r.clock || r.others == 0 {
		t.Errorf("a title is read as %+v", r)
	}
	if r := interpretText(read("CAM 7 15"), true); !r.clock {
		t.Errorf("what is left of a running clock is read as %+v", r)
	}
}

// TestSentences reads sentences of devices in their languages, and of slides that use the same words.
func TestSentences(t *testing.T) {
	t.Parallel()
	for _, lines := range [][]string{
		{"The input signal is not supported"},
		{"This resolution is not supported by the display"},
		{"There is no video at this input"},
		{"Please connect a video source"},
		{"The source is not sending a signal"},
		{"Video input has been lost"},
		{"Cannot detect any signal"},
		{"The HDMI cable is not plugged in"},
		{"No computer is connected to this port"},
		{"Weak or no signal"},
		{"There is no signal coming", "from your device"},
		{"The current input timing is not", "supported by the monitor display.", "Please change your input timing", "to 1920x1080, 60Hz"},
		{"HDCP encrypted content", "cannot be displayed"},
		{"The camera is turned off"},
		{"No HDMI signal", "Please check the cable", "and the selected source"},
		{"На вход не поступает сигнал"},
		{"Источник сигнала не найден"},
		{"Сигнал на входе HDMI отсутствует"},
		{"Видеосигнал не поддерживается"},
		{"Не удалось обнаружить сигнал"},
		{"Нет подключенных устройств"},
		{"Слабый или отсутствующий сигнал"},
		{"Разрешение экрана не", "поддерживается"},
		{"Es liegt kein Videosignal an"},
		{"Kein Signal am Eingang gefunden"},
		{"Signal außerhalb des Bereichs"},
		{"Bitte überprüfen Sie das Kabel"},
		{"Auflösung wird nicht unterstützt"},
		{"Aucun signal vidéo détecté"},
		{"Le signal d'entrée n'est pas pris en charge"},
		{"Entrée non prise en charge"},
		{"Veuillez vérifier le câble"},
	} {
		if r := interpretText(read(lines...), false); r.phrase == "" {
			t.Errorf("%q is read as %+v, want a splash", lines, r)
		}
	}
	for _, lines := range [][]string{
		{"The input signal is filtered first"},
		{"Signals and systems"},
		{"No free lunch"},
		{"Sources of noise in a video signal"},
		{"A signal without noise"},
		{"Which input is not used?"},
		{"Connect theory with practice"},
		{"Connect the devices"},
		{"Check your understanding"},
		{"What the display shows"},
		{"Inputs and outputs of the encoder"},
		{"Сигналы и системы"},
		{"Нет данных без шума"},
		{"Источники сигнала: классификация"},
		{"Вход и выход системы"},
		{"Проверьте себя"},
		{"Das Signal im Zeitbereich"},
		{"Kein Beweis ohne Annahmen"},
		{"Le signal et le bruit"},
		{"Is the input valid?", "Types of validation", "Where no check is needed"},
	} {
		if r := interpretText(read(lines...), false); r.phrase != "" {
			t.Errorf("%q is read as %+v, want a slide", lines, r)
		}
	}
}
