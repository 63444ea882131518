package plan

import (
	"regexp"
	"strings"
)

// phrase is a cause, a fault or a reason in both languages; $1, $2 stand for what varies.
type phrase struct {
	en *regexp.Regexp
	ru string
}

func says(en, ru string) phrase {
	return phrase{en: regexp.MustCompile("^" + en + "$"), ru: ru}
}

// phrases are all that plans and reports say in words. Reasons are put together with "; ".
var phrases = []phrase{
	says(`no file was recorded`, `файла нет`),
	says(`the file has no picture there`, `в файле нет изображения`),
	says(`the file has no picture track`, `в файле нет видеодорожки`),
	says(`the file ends early: it holds (.+) s of (.+) s`, `файл кончается раньше: в нём $1 с из $2 с`),
	says(`the pictures before the file's first key frame cannot be decoded`, `изображение до первого ключевого кадра файла не читается`),
	says(`the file is cut off there`, `файл здесь обрывается`),
	says(`the pictures there cannot be decoded: the file is damaged`, `изображение не читается: файл повреждён`),
	says(`the file is empty \(zero bytes\)`, `файл пуст (ноль байт)`),
	says(`the file has no index \(moov\): .*`, `в файле нет указателя (moov): запись прервана или файл обрезан`),
	says(`the file is not an MP4 file`, `это не файл MP4`),
	says(`the file holds no picture and no sound`, `в файле нет ни изображения, ни звука`),
	says(`the file's index is damaged`, `указатель файла повреждён`),

	says(`the timestamps jump there: .*`, `метки времени здесь прыгают: время того, что дальше, неизвестно`),

	says(`the file has no sound there`, `в файле здесь нет звука`),
	says(`the file has no sound track`, `в файле нет звуковой дорожки`),

	says(`no picture track`, `нет видеодорожки`),
	says(`no sound track`, `нет звуковой дорожки`),
	says(`timestamps jump to (.+) s after the file's start: .*`, `метки времени прыгают на $1 с от начала файла: время записи за скачком неизвестно`),
	says(`it lasts (.+) s instead of (.+) s`, `длится $1 с вместо $2 с`),
	says(`the file is cut off: (\d+) of (\d+) pictures lie beyond its end`, `файл обрезан: $1 из $2 кадров за его концом`),
	says(`its pictures are (\S+) instead of h264`, `кодек изображения $1, а не h264`),
	says(`the picture's format changes inside the file`, `формат изображения меняется внутри файла`),
	says(`pictures cannot be decoded from (.+) s to (.+) s`, `изображение не читается с $1 с по $2 с`),
	says(`it does not begin with a key frame`, `файл начинается не с ключевого кадра`),
	says(`no picture of it can be used`, `ни один кадр не годится`),
	says(`sound of (.+) s cannot be decoded`, `звук не читается в течение $1 с`),
	says(`another file of the same slot shows more: (.+)`, `другой файл за это же время полнее: $1`),

	says(`another room`, `другая аудитория`),
	says(`another time`, `другое время`),
	says(`a source that was not asked for`, `источник не запрошен`),
	says(`its time does not exist: .*`, `такого времени не было: часы переведены вперёд`),
	says(`not a regular file`, `это не обычный файл`),
	says(`its name is not that of a segment`, `имя не похоже на имя файла записи`),

	says(`lecturer recorded`, `лектор записан`),
	says(`screen recorded`, `экран записан`),
	says(`board recorded`, `доска записана`),
	says(`no lecturer source`, `нет источника лектора`),
	says(`no screen source`, `нет источника экрана`),
	says(`no board source`, `нет источника доски`),
	says(`lecturer missing`, `нет лектора`),
	says(`screen missing`, `нет экрана`),
	says(`board missing`, `нет доски`),
	says(`screen: never judged`, `экран: не проверен`),
	says(`a presentation for (.+) s of this half hour`, `презентация идёт $1 с из этого получаса`),

	says(`no source has sound`, `ни у одного источника нет звука`),
	says(`no source has sound here`, `здесь ни у одного источника нет звука`),
	says(`sound source (\d+)`, `звук источника $1`),
	says(`source (\d+) has no sound here`, `у источника $1 здесь нет звука`),
	says(`source (\d+) is silent here`, `источник $1 здесь молчит`),
	says(`source (\d+) stands in`, `его заменяет источник $1`),
}

// withCause is a phrase that holds another in brackets.
var withCause = regexp.MustCompile(`^(lecturer|screen|board) (missing|interrupted) \((.*)\)$`)

var missingRu = map[string]string{
	"lecturer missing": "нет лектора", "screen missing": "нет экрана", "board missing": "нет доски",
	"lecturer interrupted": "лектор прерван", "screen interrupted": "экран прерван", "board interrupted": "доска прервана",
}

// Russian gives the Russian wording of a reason, a cause or a fault. What it has no words for, like
// the measurements behind a verdict, it leaves as it is.
func Russian(text string) string {
	if text == "" {
		return ""
	}
	parts := strings.Split(text, "; ")
	for i, part := range parts {
		if m := withCause.FindStringSubmatch(part); m != nil {
			parts[i] = missingRu[m[1]+" "+m[2]] + " (" + Russian(m[3]) + ")"
			continue
		}
		if rest, ok := strings.CutPrefix(part, "screen: "); ok && part != "screen: never judged" {
			parts[i] = "экран: " + Russian(rest)
			continue
		}
		for _, p := range phrases {
			if p.en.MatchString(part) {
				parts[i] = p.en.ReplaceAllString(part, p.ru)
				break
			}
		}
	}
	return strings.Join(parts, "; ")
}
