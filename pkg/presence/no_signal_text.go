package presence

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// phrases are what a card without a signal says. They are compared by their skeletons, so letter
// case, spaces, and letters that readers mistake for others do not matter.
var phrases = [...]string{
	"no signal",
	"no input",
	"no video",
	"no source",
	"no hdmi",
	"no sync",
	"no picture",
	"no image",
	"no connection",
	"no active source",
	"no active input",
	"no active signal",
	"no valid signal",
	"no input signal",
	"no video signal",
	"no hdmi signal",
	"no video input",
	"no signal input",
	"no cable",
	"no source found",
	"no device found",
	"input not detected",
	"input not found",
	"source not detected",
	"source not found",
	"video not detected",
	"device not detected",
	"no device connected",
	"no device detected",
	"no source detected",
	"no source connected",
	"no content",
	"without signal",
	"signal lost",
	"signal loss",
	"lost signal",
	"loss of signal",
	"video loss",
	"video lost",
	"signal not found",
	"signal not detected",
	"signal absent",
	"not connected",
	"disconnected",
	"connection lost",
	"input not supported",
	"unsupported signal",
	"unsupported input",
	"unsupported resolution",
	"unsupported format",
	"unsupported mode",
	"unsupported timing",
	"unknown signal",
	"unknown format",
	"mode not supported",
	"resolution not supported",
	"format not supported",
	"timing not supported",
	"signal not supported",
	"invalid signal",
	"invalid input",
	"invalid format",
	"out of range",
	"searching for signal",
	"detecting signal",
	"waiting for signal",
	"waiting for source",
	"waiting for input",
	"waiting for connection",
	"waiting for video",
	"check signal",
	"check connection",
	"check the connection",
	"check connections",
	"check cable",
	"check the cable",
	"check cables",
	"check cable connection",
	"check the cable connection",
	"check input",
	"check source",
	"check video cable",
	"check signal cable",
	"check video signal",
	"check input signal",
	"check video connection",
	"check hdmi connection",
	"connect hdmi",
	"connect cable",
	"connect the cable",
	"connect your computer",
	"connect a computer",
	"connect a laptop",
	"power saving mode",
	"power save mode",
	"standby mode",
	"connect your device",
	"connect your laptop",
	"connect a source",
	"connect a device",
	"connect source",
	"connect laptop",
	"plug in your device",
	"plug in your laptop",
	"hdcp error",
	"hdcp protected",
	"hdcp content",
	"content protected",
	"protected content",
	"нет сигнала",
	"нет входного сигнала",
	"нет видеосигнала",
	"нет видео",
	"нет изображения",
	"нет подключения",
	"нет соединения",
	"нет связи",
	"нет источника",
	"нет входа",
	"сигнал отсутствует",
	"отсутствует сигнал",
	"отсутствует видеосигнал",
	"нет сигнала hdmi",
	"сигнал потерян",
	"потеря сигнала",
	"потерян сигнал",
	"сигнал не обнаружен",
	"сигнал не найден",
	"поиск сигнала",
	"ожидание сигнала",
	"сигнала нет",
	"нет входящего сигнала",
	"нет видео сигнала",
	"видео отсутствует",
	"видеосигнал отсутствует",
	"нет кабеля",
	"устройство не обнаружено",
	"источник не найден",
	"источник не обнаружен",
	"режим ожидания",
	"режим не поддерживается",
	"разрешение не поддерживается",
	"неподдерживаемый формат",
	"неподдерживаемый режим",
	"неподдерживаемый сигнал",
	"подключите кабель",
	"ожидание подключения",
	"проверьте подключение",
	"проверьте кабель",
	"проверьте соединение",
	"проверьте сигнал",
	"проверьте вход",
	"проверьте источник",
	"подключите устройство",
	"подключите ноутбук",
	"подключите источник",
	"подключите компьютер",
	"вне диапазона",
	"вход не поддерживается",
	"формат не поддерживается",
	"источник не подключен",
	"устройство не подключено",
	"kein signal",
	"kein eingangssignal",
	"kein eingang",
	"pas de signal",
	"aucun signal",
	"sin senal",
	"nessun segnale",
	"sem sinal",
	"geen signaal",
	"ingen signal",
	"inget signal",
	"brak sygnalu",
	"sinyal yok",
	"zadny signal",
	"nincs jel",
}

// inputTerms are words that often stand beside those phrases on an idle screen.
var inputTerms = [...]string{
	"signal", "input", "inputs", "output", "source", "cable", "cables", "connection", "connected", "connect", "check", "please", "hdmi", "dvi", "vga", "sdi", "usb", "displayport", "dp", "hdbaset", "hdcp",
	"video", "audio", "device", "laptop", "computer", "pc", "resolution", "supported", "waiting", "detected", "found", "present", "available", "searching", "mode", "power", "saving", "standby", "press", "button",
	"select", "remote", "port", "ip", "address", "channel", "cam", "camera", "room", "no", "on", "or", "and", "the", "your", "to", "a", "of", "for", "from", "in", "is", "at", "hz", "fps", "any", "key", "encoder", "recorder",
	"format", "timing", "link", "ready", "network", "switch", "projector", "display", "monitor", "screen", "test", "card", "pattern", "www", "com", "http", "https", "model", "version", "firmware", "serial", "mac", "dhcp", "status", "offline", "currently", "not", "yet", "been",
	"сигнал", "сигнала", "вход", "входа", "источник", "источника", "кабель", "кабеля", "кабелей", "подключение", "подключения", "подключен", "соединение", "соединения", "разъем", "разъём", "проверьте", "пожалуйста", "видео", "нет", "на", "и", "или", "канал", "камера", "комната", "экран", "устройство", "устройства", "компьютер", "компьютера", "ноутбук", "ноутбука",
}

// skeleton reduces a word to what survives recognition errors. It keeps letters and
// digits in lower case and maps look-alikes to one form. It serves comparison only.
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

// lookAlike returns the Latin letter that resembles a Cyrillic or accented letter.
func lookAlike(r rune) (rune, bool) {
	from := []rune("авекмнорстухіипглйбзёñéèêäöüßçàâîô")
	to := []rune("abekmhopctyxiunrnub3eneeeaouscaaio")
	if i := slices.Index(from, r); i >= 0 {
		return to[i], true
	}
	return 0, false
}

var (
	// timeToken matches a time or a date in digits.
	timeToken = regexp.MustCompile(`^\(?\d{1,4}([:.\-/]\d{1,4}){1,3}([.,:]\d+)?[),.]?$`)
	// datePart matches a word that stands beside a time: a weekday, a month or a
	// time zone.
	datePart = regexp.MustCompile(`(?i)^(am|pm|utc|gmt|msk|мск|mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|пн|вт|ср|чт|пт|сб|вс|янв|фев|мар|апр|мая|июн|июл|авг|сен|окт|ноя|дек)[a-zа-я]*[.,]?$`)
)
