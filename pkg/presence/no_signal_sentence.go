package presence

import (
	"slices"
	"strings"

	"github.com/nvr-miem/merger/pkg/ocr"
)

// subjects are what a sentence of a device without a signal is about. Like all words of this file they are compared
// by their skeletons. Russian nouns stand in the cases that such sentences use.
var subjects = [...]string{
	"signal", "signals", "input", "inputs", "source", "video", "picture", "image", "hdmi", "displayport", "vga", "dvi",
	"sdi", "usb", "computer", "laptop", "pc", "device", "cable", "connection", "resolution", "mode", "format", "timing",
	"frequency", "feed", "stream", "content", "camera", "cables", "devices", "sources",
	"сигнал", "сигнала", "сигналу", "видеосигнал", "видеосигнала", "вход", "входа", "входе", "входу", "источник",
	"источника", "источнику", "кабель", "кабеля", "подключение", "подключения", "соединение", "соединения",
	"устройство", "устройства", "компьютер", "компьютера", "ноутбук", "ноутбука", "видео", "изображение", "изображения",
	"разрешение", "режим", "формат", "частота", "камера", "камеры", "связь", "связи", "устройств",
	"источников", "видеовход", "видеовхода", "видеовходе",
	"videosignal", "eingangssignal", "bildsignal", "eingang", "videoeingang", "quelle", "videoquelle", "signalquelle",
	"kabel", "bild", "gerät", "verbindung", "auflösung", "rechner", "format",
	"signale", "laptop", "kamera",
	"entrée", "d'entrée", "vidéo", "câble", "résolution", "appareil", "ordinateur", "connexion", "caméra", "fréquence",
}

// troubles are what a device says of a subject.
var troubles = [...]string{
	"no", "not", "lost", "loss", "missing", "absent", "unsupported", "invalid", "unavailable", "unable", "cannot",
	"can't", "isn't", "doesn't", "hasn't", "failed", "without", "error", "disconnected", "unplugged", "unknown",
	"incompatible", "unrecognized", "interrupted", "exceeds", "waiting", "searching", "nothing", "none", "weak", "off",
	"нет", "не", "отсутствует", "отсутствуют", "потерян", "потеряна", "потеряно", "потеря", "пропал", "пропало",
	"недоступен", "недоступно", "неподдерживаемый", "неподдерживаемое", "неизвестный", "ошибка", "ожидание", "поиск",
	"отключен", "отключён", "отключено", "прерван", "прервано", "неверный", "неверное", "отсутствующий", "вне",
	"kein", "keine", "keinen", "nicht", "fehlt", "verloren", "ungültig", "unterbrochen", "warte", "suche", "außerhalb",
	"aucun", "aucune", "pas", "perdu", "perdue", "absente", "n'est", "invalide", "inconnu", "introuvable", "attente", "non", "hors",
}

// requests ask for something. They name a trouble only beside a word of courtesy: a slide may be called
// “Connect the devices”.
var requests = [...]string{
	"connect", "check", "plug", "select", "switch", "подключите", "проверьте", "выберите", "prüfen",
	"überprüfen", "anschließen", "schließen", "verbinden", "vérifier", "connecter", "brancher",
}

// courtesies make a request one to the viewer.
var courtesies = [...]string{"please", "пожалуйста", "bitte", "veuillez"}

// connectives are the other words of such sentences.
var connectives = [...]string{
	"there", "is", "are", "was", "were", "has", "have", "been", "be", "being", "this", "that", "the", "an", "any", "at",
	"by", "to", "from", "in", "into", "on", "of", "or", "and", "it", "its", "for", "with", "your", "currently", "selected",
	"connected", "supported", "detected", "detect", "find", "found", "present", "available", "active", "received",
	"receive", "receiving", "sending", "send", "sent", "coming", "plugged", "display", "displayed", "show", "shown",
	"projector", "monitor", "tv", "screen", "encoder", "recorder", "port", "connector", "rate", "range", "out", "longer",
	"yet", "valid", "recognized", "stable", "properly", "correctly", "again", "try", "another", "other", "being",
	"compatible", "encrypted", "protected", "turned", "switched", "current", "change", "listed", "recommended", "settings",
	"as", "per", "specifications", "make", "sure",
	"на", "во", "от", "из", "со", "по", "или", "этот", "этом", "это", "данный", "данное", "разъем", "разъеме", "разъём",
	"разъёме", "порт", "порту", "порте", "поступает", "подается", "подаётся", "обнаружен", "обнаружена", "обнаружено",
	"найден", "найдена", "найдено", "поддерживается", "поддерживаются", "определяется", "определен", "определён",
	"подключен", "подключён", "подключена", "подключено", "доступен", "доступно", "получен", "принимается", "экраном",
	"дисплеем", "проектором", "монитором", "экран", "экране", "активен", "выбран", "выбранном", "входной", "входящий", "экрана",
	"удалось", "обнаружить", "определить", "получить", "подключенных", "слабый", "диапазона",
	"es", "liegt", "an", "am", "im", "der", "die", "das", "den", "dem", "ein", "eine", "wird", "ist", "sind", "wurde",
	"gefunden", "erkannt", "vorhanden", "verfügbar", "angeschlossen", "verbunden", "unterstützt",
	"empfangen", "vom", "von", "auf", "sie", "und", "oder", "zum", "anzeige", "bildschirm", "des", "bereichs",
	"le", "la", "les", "de", "du", "des", "un", "une", "est", "en", "charge", "pris", "prise", "sur", "détecté",
	"détectée", "trouvé", "trouvée", "reçu", "disponible", "connecté", "connectée", "branché", "branchée", "par",
	"écran", "affichage", "et", "ou", "ce", "cet", "cette", "plage",
}

// maxSentenceLines is the number of lines that a sentence may be broken into.
const maxSentenceLines = 6

// maxSentenceWords is the number of words in a picture above which no sentence is looked for: that is a page.
const maxSentenceWords = 200

// wordClass is what a word does in a sentence, as a set of bits. A word that such sentences do not use has none.
type wordClass int

const (
	isSubject wordClass = 1 << iota
	isTrouble
	isRequest
	isCourtesy
	isConnective
)

// lexicon holds words by their beginnings.
type lexicon map[string][]classified

// classified is the skeleton of a word, and what the word does.
type classified struct {
	bone  string
	class wordClass
}

// newLexicon returns the lexicon of the lists above. A word may stand in several of them.
func newLexicon() lexicon {
	l := lexicon{}
	for class, words := range map[wordClass][]string{
		isSubject:    subjects[:],
		isTrouble:    troubles[:],
		isRequest:    requests[:],
		isCourtesy:   courtesies[:],
		isConnective: connectives[:],
	} {
		for _, w := range words {
			bone := skeleton(w)
			l[beginning(bone)] = append(l[beginning(bone)], classified{bone, class})
		}
	}
	return l
}

// beginning returns the first three letters of a word, which [resembles] wants equal.
func beginning(bone string) string {
	r := []rune(bone)
	return string(r[:min(3, len(r))])
}

// classOf returns what a word does in a sentence.
func (l lexicon) classOf(word string) (class wordClass) {
	bone := skeleton(word)
	for _, known := range l[beginning(bone)] {
		if resembles(bone, known.bone) {
			class |= known.class
		}
	}
	if class == 0 && (isInputTerm(word) || isNumber(word)) {
		class = isConnective
	}
	return class
}

// isNoSignal reports whether words of these classes say that a subject is in trouble.
func (c wordClass) isNoSignal() bool {
	return c&isSubject != 0 && (c&isTrouble != 0 || c&isRequest != 0 && c&isCourtesy != 0)
}

// findSentences returns the sentences of devices without a signal in a text, the longest first. A sentence fills
// its lines, and each of them has a class.
func findSentences(lines [][]ocr.Word, classes []wordClass) []phraseMatch {
	var all []phraseMatch
	for i := range lines {
		var class wordClass
		var text []string
		for k := i; k < min(i+maxSentenceLines, len(lines)) && classes[k] != 0; k++ {
			class |= classes[k]
			for _, w := range lines[k] {
				text = append(text, w.Text)
			}
			if class.isNoSignal() {
				last := wordPosition{k, len(lines[k]) - 1}
				all = append(all, phraseMatch{wordPosition{i, 0}, last, strings.Join(text, " ")})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b phraseMatch) int { return len(b.phrase) - len(a.phrase) })
	return all
}

// classesOf returns the classes of lines; see [lexicon.classOfLine].
func (l lexicon) classesOf(lines [][]ocr.Word) []wordClass {
	classes := make([]wordClass, len(lines))
	for i, line := range lines {
		classes[i] = l.classOfLine(line)
	}
	return classes
}

// classOfLine returns what the words of a line do together, or 0 if sentences of devices do not use one of them.
func (l lexicon) classOfLine(line []ocr.Word) wordClass {
	var all wordClass
	for _, w := range line {
		class := l.classOf(w.Text)
		if class == 0 {
			return 0
		}
		all |= class
	}
	return all
}
