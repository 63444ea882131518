package presence

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/nvr-miem/merger/pkg/ocr"
)

// phrases are what a card without a signal says. They are compared by their skeletons, so letter
// case, spaces, and letters that readers mistake for others do not matter.
var phrases = [...]string{
	"no signal", "no input", "no video", "no source", "no hdmi", "no sync", "no picture", "no image", "no connection",
	"no active source", "no active input", "no active signal", "no valid signal", "no input signal", "no video signal", "no hdmi signal", "no video input",
	"no signal input", "no cable", "no source found", "no device found", "input not detected", "input not found", "source not detected", "source not found", "video not detected", "device not detected",
	"no device connected", "no device detected", "no source detected", "no source connected", "no content", "without signal",
	"signal lost", "signal loss", "lost signal", "loss of signal", "video loss", "video lost", "signal not found", "signal not detected", "signal absent",
	"not connected", "disconnected", "connection lost", "input not supported", "unsupported signal", "unsupported input", "unsupported resolution",
	"unsupported format", "unsupported mode", "unsupported timing", "unknown signal", "unknown format", "mode not supported", "resolution not supported", "format not supported", "timing not supported", "signal not supported", "invalid signal", "invalid input", "invalid format",
	"out of range", "searching for signal", "detecting signal", "waiting for signal", "waiting for source", "waiting for input", "waiting for connection", "waiting for video",
	"check signal", "check connection", "check the connection", "check connections", "check cable", "check the cable", "check cables", "check cable connection", "check the cable connection", "check input", "check source",
	"check video cable", "check signal cable", "check video signal", "check input signal", "check video connection", "check hdmi connection",
	"connect hdmi", "connect cable", "connect the cable", "connect your computer", "connect a computer", "connect a laptop", "power saving mode", "power save mode", "standby mode",
	"connect your device", "connect your laptop", "connect a source", "connect a device", "connect source", "connect laptop", "plug in your device", "plug in your laptop",
	"hdcp error", "hdcp protected", "hdcp content", "content protected", "protected content",
	"нет сигнала", "нет входного сигнала", "нет видеосигнала", "нет видео", "нет изображения", "нет подключения", "нет соединения", "нет связи", "нет источника", "нет входа",
	"сигнал отсутствует", "отсутствует сигнал", "отсутствует видеосигнал", "нет сигнала hdmi", "сигнал потерян", "потеря сигнала", "потерян сигнал", "сигнал не обнаружен", "сигнал не найден", "поиск сигнала", "ожидание сигнала",
	"сигнала нет", "нет входящего сигнала", "нет видео сигнала", "видео отсутствует", "видеосигнал отсутствует", "нет кабеля", "устройство не обнаружено", "источник не найден", "источник не обнаружен", "режим ожидания",
	"режим не поддерживается", "разрешение не поддерживается", "неподдерживаемый формат", "неподдерживаемый режим", "неподдерживаемый сигнал", "подключите кабель",
	"ожидание подключения", "проверьте подключение", "проверьте кабель", "проверьте соединение", "проверьте сигнал", "проверьте вход", "проверьте источник",
	"подключите устройство", "подключите ноутбук", "подключите источник", "подключите компьютер", "вне диапазона", "вход не поддерживается", "формат не поддерживается", "источник не подключен", "устройство не подключено",
	"kein signal", "kein eingangssignal", "kein eingang", "pas de signal", "aucun signal", "sin senal", "nessun segnale", "sem sinal",
	"geen signaal", "ingen signal", "inget signal", "brak sygnalu", "sinyal yok", "zadny signal", "nincs jel",
}

// inputTerms are words that stand beside those phrases and do not make a page of it.
var inputTerms = [...]string{
	"signal", "input", "inputs", "output", "source", "cable", "cables", "connection", "connected", "connect", "check", "please", "hdmi", "dvi", "vga", "sdi", "usb", "displayport", "dp", "hdbaset", "hdcp",
	"video", "audio", "device", "laptop", "computer", "pc", "resolution", "supported", "waiting", "detected", "found", "present", "available", "searching", "mode", "power", "saving", "standby", "press", "button",
	"select", "remote", "port", "ip", "address", "channel", "cam", "camera", "room", "no", "on", "or", "and", "the", "your", "to", "a", "of", "for", "from", "in", "is", "at", "hz", "fps", "any", "key", "encoder", "recorder",
	"format", "timing", "link", "ready", "network", "switch", "projector", "display", "monitor", "screen", "test", "card", "pattern", "www", "com", "http", "https", "model", "version", "firmware", "serial", "mac", "dhcp", "status", "offline", "currently", "not", "yet", "been",
	"сигнал", "сигнала", "вход", "входа", "источник", "источника", "кабель", "кабеля", "кабелей", "подключение", "подключения", "подключен", "соединение", "соединения", "разъем", "разъём", "проверьте", "пожалуйста", "видео", "нет", "на", "и", "или", "канал", "камера", "комната", "экран", "устройство", "устройства", "компьютер", "компьютера", "ноутбук", "ноутбука",
}

// limits of what may stand beside a phrase: a make, a model, an address; more is a page about it.
const (
	maxUnknownWords = 5
	maxWords     = 18
)

// reading is what the words of a picture mean.
type reading struct {
	text   string // what was read, for people
	phrase string // the phrase of no signal, "" if none
	clock  bool   // a time or date was read
	others int    // legible words that are neither
	label  bool   // all of these name an input, a camera or a mode
}

// skeleton reduces a word to what survives bad reading: lower case, letters and digits only, look-alikes
// of the two alphabets and digits united (a small D is an O to a reader). It is meant for comparison only.
func skeleton(word string) string {
	return strings.Map(func(r rune) rune {
		r = unicode.ToLower(r)
		if i := strings.IndexRune("0dq1l|!569", r); i >= 0 {
			return []rune("oooiiiisgg")[i]
		}
		if alike, ok := lookAlike(r); ok {
			return alike
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, word)
}

func lookAlike(r rune) (rune, bool) {
	from, to := []rune("авекмнорстухіипглйбзёñé"), []rune("abekmhopctyxiunrnub3ene")
	if i := slices.Index(from, r); i >= 0 {
		return to[i], true
	}
	return 0, false
}

var (
	timeToken = regexp.MustCompile(`^\(?\d{1,4}([:.\-/]\d{1,4}){1,3}([.,:]\d+)?[),.]?$`)
	datePart  = regexp.MustCompile(`(?i)^(am|pm|utc|gmt|msk|мск|mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|пн|вт|ср|чт|пт|сб|вс|янв|фев|мар|апр|мая|июн|июл|авг|сен|окт|ноя|дек)[a-zа-я]*[.,]?$`)
)

// interpretText reads meaning into words. A line with a time in it is a clock's; if the clock is seen
// running, its label (a camera's name) belongs to it too.
func interpretText(words []ocr.Word, running bool) reading {
	var r reading
	kept := legible(words)
	for _, w := range kept {
		r.text += " " + w.Text
	}
	r.text = strings.TrimSpace(r.text)
	lines := linesOfWords(kept)
	for _, f := range findPhrases(lines) {
		if with := r.inContext(lines, f, running); with.phrase != "" {
			return with
		}
	}
	return r.inContext(lines, phraseMatch{}, running)
}

// inContext weighs what stands around a phrase that was found. The zero found is none.
func (r reading) inContext(lines [][]ocr.Word, f phraseMatch, running bool) reading {
	from, to := f.from, f.to
	n, strangers, sameLine := 0, 0, 0
	for i, line := range lines {
		inPhrase := f.phrase != "" && i >= from.line && i <= to.line
		if !inPhrase && clockLine(line, running) {
			r.clock = true
			continue
		}
		for k, w := range line {
			here := wordPosition{i, k}
			if inPhrase && !from.isAfter(i, k) && !here.isAfter(to.line, to.word) {
				continue // a word of the phrase itself
			}
			n++
			if w.Confidence >= 60 && len([]rune(skeleton(w.Text))) >= 3 || isNumber(w.Text) {
				r.others++
			}
			if isInputTerm(w.Text) || isNumber(w.Text) {
				continue
			}
			strangers++
			if inPhrase {
				sameLine++
			}
		}
	}
	r.label = n > 0 && strangers == 0
	if f.phrase != "" && sameLine == 0 && strangers <= maxUnknownWords && n <= maxWords && !isListHeading(lines, from.line) {
		r.phrase = f.phrase
	}
	return r
}

type wordPosition struct{ line, word int }

// isAfter says whether p comes after the given place.
func (p wordPosition) isAfter(line, word int) bool {
	return p.line > line || p.line == line && p.word > word
}

// legible keeps words that were read with some certainty and are more than a speck.
func legible(words []ocr.Word) []ocr.Word {
	var out []ocr.Word
	for _, w := range words {
		if w.Confidence >= 45 && (len([]rune(skeleton(w.Text))) >= 2 || isNumber(w.Text)) {
			out = append(out, w)
		}
	}
	return out
}

// linesOfWords sorts words into lines by where they stand.
func linesOfWords(words []ocr.Word) [][]ocr.Word {
	words = slices.Clone(words)
	mid := func(w ocr.Word) int { return (w.Box.Min.Y + w.Box.Max.Y) / 2 }
	slices.SortStableFunc(words, func(a, b ocr.Word) int { return mid(a) - mid(b) })
	var lines [][]ocr.Word
	for _, w := range words {
		if n := len(lines); n > 0 {
			last := lines[n-1][len(lines[n-1])-1]
			if mid(w)-mid(last) <= max(4, min(w.Box.Dy(), last.Box.Dy())/2) {
				lines[n-1] = append(lines[n-1], w)
				continue
			}
		}
		lines = append(lines, []ocr.Word{w})
	}
	for _, line := range lines {
		slices.SortStableFunc(line, func(a, b ocr.Word) int { return a.Box.Min.X - b.Box.Min.X })
	}
	return lines
}

// phraseMatch is a phrase in a text: its first and its last word.
type phraseMatch struct {
	from, to wordPosition
	phrase   string
}

// findPhrases finds all phrases, which may run over lines, the longest first.
func findPhrases(lines [][]ocr.Word) []phraseMatch {
	var bones []string
	var places []wordPosition
	for i, line := range lines {
		for k, w := range line {
			bones, places = append(bones, skeleton(w.Text)), append(places, wordPosition{i, k})
		}
	}
	var all []phraseMatch
	for i := range bones {
		joined := ""
		for k := i; k < min(i+5, len(bones)); k++ {
			joined += bones[k]
			for _, p := range phrases {
				if resembles(joined, skeleton(strings.ReplaceAll(p, " ", ""))) {
					all = append(all, phraseMatch{from: places[i], to: places[k], phrase: p})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b phraseMatch) int { return len(b.phrase) - len(a.phrase) })
	return all
}

// resembles allows one wrong letter in a long phrase, but not at its beginning, where "no" stands.
func resembles(read, want string) bool {
	if read == want {
		return true
	}
	a, b := []rune(read), []rune(want)
	if len(b) < 8 || abs(len(a)-len(b)) > 1 || len(a) < 3 || string(a[:3]) != string(b[:3]) {
		return false
	}
	head, tail := 0, 0
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return max(len(a), len(b))-head-tail <= 1
}

func clockLine(line []ocr.Word, running bool) bool {
	times, others := 0, 0
	for _, w := range line {
		switch {
		case timeToken.MatchString(w.Text) || mostlyDigits(w.Text) || running && isNumber(w.Text) && !strings.ContainsAny(w.Text, "%()#°"):
			times++ // of what runs, a part that was read is enough
		case !datePart.MatchString(w.Text) && !isNumber(w.Text):
			others++
		}
	}
	return times > 0 && (others == 0 || running && others <= 4)
}

// mostlyDigits is a time that was read with a wrong letter in it.
func mostlyDigits(word string) bool {
	digits, all := 0, 0
	for _, r := range word {
		all++
		if unicode.IsDigit(r) || r == ':' {
			digits++
		}
	}
	return all >= 5 && digits*100 >= 70*all && strings.ContainsAny(word, ":.-")
}

func isNumber(word string) bool {
	return word != "" && strings.Trim(word, "0123456789.,:;-/x×()%#°") == ""
}

// isInputTerm knows the words of the trade, a number behind them or not: HDMI, VGA-1, CAM21.
func isInputTerm(word string) bool {
	bone := skeleton(strings.TrimRight(word, "0123456789-_#/:."))
	return len([]rune(bone)) < 2 || slices.ContainsFunc(inputTerms[:], func(t string) bool { return skeleton(t) == bone })
}

// isListHeading says whether the phrase is the heading of a list: two or more further lines below it that
// begin at the same place at the left and end in different places.
func isListHeading(lines [][]ocr.Word, heading int) bool {
	for i := heading + 1; i < len(lines); i++ {
		left, same, ends := lines[i][0].Box.Min.X, 0, map[int]bool{}
		for _, other := range lines[heading+1:] {
			if abs(other[0].Box.Min.X-left) <= 8 && len(other) >= 2 {
				same++
				ends[other[len(other)-1].Box.Max.X/24] = true
			}
		}
		if same >= 2 && len(ends) >= 2 {
			return true
		}
	}
	return false
}
