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

// vocabulary counts the words of a sentence by what they do in it.
type vocabulary struct{ subjects, troubles, requests, courtesies int }

// add counts a word, and reports whether sentences of devices may hold it.
func (v *vocabulary) add(word string) bool {
	bone := skeleton(word)
	known := false
	for _, class := range []struct {
		words []string
		count *int
	}{
		{subjects[:], &v.subjects},
		{troubles[:], &v.troubles},
		{requests[:], &v.requests},
		{courtesies[:], &v.courtesies},
	} {
		if containsWord(class.words, bone) {
			*class.count++
			known = true
		}
	}
	return known || containsWord(connectives[:], bone) || isInputTerm(word) || isNumber(word)
}

// isNoSignal reports whether the words say that a subject is in trouble.
func (v *vocabulary) isNoSignal() bool {
	return v.subjects > 0 && (v.troubles > 0 || v.requests > 0 && v.courtesies > 0)
}

// containsWord reports whether a list has a word with a skeleton, read with at most one error.
func containsWord(list []string, bone string) bool {
	return slices.ContainsFunc(list, func(w string) bool { return resembles(bone, skeleton(w)) })
}

// findSentences returns the sentences of devices without a signal in a text, the longest first. A sentence fills
// its lines and has no word that such sentences do not use.
func findSentences(lines [][]ocr.Word) []phraseMatch {
	var all []phraseMatch
	for i := range lines {
		var v vocabulary
		var text []string
		for k := i; k < min(i+maxSentenceLines, len(lines)); k++ {
			if !addLine(&v, lines[k]) {
				break
			}
			for _, w := range lines[k] {
				text = append(text, w.Text)
			}
			if v.isNoSignal() {
				last := wordPosition{k, len(lines[k]) - 1}
				all = append(all, phraseMatch{wordPosition{i, 0}, last, strings.Join(text, " ")})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b phraseMatch) int { return len(b.phrase) - len(a.phrase) })
	return all
}

// addLine counts the words of a line. It reports whether sentences of devices may hold all of them.
func addLine(v *vocabulary, line []ocr.Word) bool {
	for _, w := range line {
		if !v.add(w.Text) {
			return false
		}
	}
	return true
}
