package report

import (
	"fmt"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// Language is a language that reports for people come in.
type Language string

// The languages.
const (
	English Language = "en"
	Russian Language = "ru"
)

// forms are a noun after 1, after 2 to 4, and after more (English: the last two are equal).
type forms [3]string

// labels are the words of the summary and the page; the names of the fields say where they stand.
type labels struct {
	Report, Record, Video, Room, Length, Frames, Size                       string
	Warnings, Warning, Timeline, Picture, Pictures, Shown, Missing          string
	NothingMissing, Lacking, MissingLead, NotShown, Recorded, Whole, Unused string
	Canvas, Files, Ignored, File, Found, Unreadable, NoneOf                 string
	Sound, Silence, Measured, Result, Gain, Target, Off                     string
	Peak, Cost, CPU, CPURatio, Wall, Speed, Memory, Read, Analysis          string
	Digest, Versions, Program, Renderer, More, FPS                          string
	Decimal, Group, H, Min, S, Percent, Channels, KHz, DB                   string
	Bytes                                                                   [4]string // B, kB, MB, GB
	Months                                                                  [12]string
	WithFaults, UsedFiles, IgnoredFiles                                     forms
}

// localizer speaks one language.
type localizer struct {
	labels
	lang Language
}

func newLocalizer(lang Language) (localizer, error) {
	switch lang {
	case English:
		return localizer{english(), lang}, nil
	case Russian:
		return localizer{russian(), lang}, nil
	}
	return localizer{}, fmt.Errorf(
		"write a report in %q: it speaks %s and %s",
		lang, English, Russian,
	)
}

func english() labels {
	return labels{
		Report:         "Merge report",
		Record:         "Record",
		Video:          "Video",
		Room:           "Room",
		Length:         "Length",
		Frames:         "frames",
		Size:           "Size",
		Warnings:       "Please note",
		Warning:        "Note",
		Timeline:       "Timeline",
		Picture:        "Picture",
		Pictures:       "Pictures",
		Shown:          "What is shown",
		Missing:        "What is missing",
		Lacking:        "Missing",
		NothingMissing: "Nothing is missing: every source was recorded throughout.",
		MissingLead:    "Missing from the recordings:",
		NotShown:       "The video has nothing to show for %s.",
		Recorded:       "recorded",
		Whole:          "whole",
		Unused:         "not used",
		Canvas:         "No presentation, or damaged",
		Files:          "Files",
		Ignored:        "Ignored files",
		File:           "File",
		Found:          "Found",
		Unreadable:     "unreadable",
		NoneOf:         "none",
		Sound:          "Sound",
		Silence:        "silence",
		Measured:       "In the recordings",
		Result:         "In the video",
		Gain:           "Gain",
		Target:         "Target",
		Off:            "left as recorded",
		Peak:           "true peak",
		Cost:           "Cost",
		CPU:            "CPU time",
		CPURatio:       "of the record’s length",
		Wall:           "Elapsed",
		Speed:          "speed",
		Memory:         "Peak memory",
		Read:           "Read to render",
		Analysis:       "Read to analyse",
		Digest:         "Plan",
		Versions:       "Versions",
		Program:        "NVR Merger",
		Renderer:       "renderer",
		More:           "%d more",
		FPS:            "fps",
		Decimal:        ".",
		Group:          ",",
		H:              "h",
		Min:            "min",
		S:              "s",
		Percent:        "%",
		Channels:       "ch",
		KHz:            "kHz",
		DB:             "dB",
		Bytes:          [4]string{"B", "kB", "MB", "GB"},
		Months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September",
			"October", "November", "December"},
		WithFaults:   forms{"with faults", "with faults", "with faults"},
		UsedFiles:    forms{"file used", "files used", "files used"},
		IgnoredFiles: forms{"file ignored", "files ignored", "files ignored"},
	}
}

func russian() labels {
	return labels{
		Report:         "Отчёт о монтаже",
		Record:         "Запись",
		Video:          "Видео",
		Room:           "Аудитория",
		Length:         "Длительность",
		Frames:         "кадров",
		Size:           "Размер",
		Warnings:       "Обратите внимание",
		Warning:        "Внимание",
		Timeline:       "Ход записи",
		Picture:        "Картинка",
		Pictures:       "Кадры",
		Shown:          "Что показано",
		Missing:        "Чего нет",
		Lacking:        "Нет записи",
		NothingMissing: "Ничего не пропало: все источники записаны целиком.",
		MissingLead:    "Нет в записях:",
		NotShown:       "Показать нечего: %s.",
		Recorded:       "записано",
		Whole:          "цел",
		Unused:         "не использован",
		Canvas:         "Без презентации или повреждено",
		Files:          "Файлы",
		Ignored:        "Посторонние файлы",
		File:           "Файл",
		Found:          "Найдено",
		Unreadable:     "не читается",
		NoneOf:         "нет",
		Sound:          "Звук",
		Silence:        "тишина",
		Measured:       "В записях",
		Result:         "В видео",
		Gain:           "Усиление",
		Target:         "Цель",
		Off:            "как записано",
		Peak:           "истинный пик",
		Cost:           "Затраты",
		CPU:            "Время процессора",
		CPURatio:       "от длительности записи",
		Wall:           "Прошло времени",
		Speed:          "скорость",
		Memory:         "Память в пике",
		Read:           "Прочитано для монтажа",
		Analysis:       "Прочитано для анализа",
		Digest:         "План",
		Versions:       "Версии",
		Program:        "NVR Merger",
		Renderer:       "рендер",
		More:           "ещё %d",
		FPS:            "к/с",
		Decimal:        ",",
		Group:          "\u202f",
		H:              "ч",
		Min:            "мин",
		S:              "с",
		Percent:        "\u202f%",
		Channels:       "кан.",
		KHz:            "кГц",
		DB:             "дБ",
		Bytes:          [4]string{"Б", "кБ", "МБ", "ГБ"},
		Months: [12]string{"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября",
			"октября", "ноября", "декабря"},
		WithFaults:   forms{"с дефектами", "с дефектами", "с дефектами"},
		UsedFiles:    forms{"файл в работе", "файла в работе", "файлов в работе"},
		IgnoredFiles: forms{"посторонний файл", "посторонних файла", "посторонних файлов"},
	}
}

// pick is the wording in the voice's language; English where there is no other.
func (v localizer) pick(en, ru string) string {
	if v.lang == Russian && ru != "" {
		return ru
	}
	return en
}

func (v localizer) pickAll(en, ru []string) []string {
	if v.lang == Russian && len(ru) == len(en) {
		return ru
	}
	return en
}

// warnings lists the warnings in the language; English where a warning has no other.
func (v localizer) warnings(r *Report) []string {
	var texts []string
	for _, w := range r.Warnings {
		text := w.Text[string(v.lang)]
		if text == "" {
			text = w.Text[string(English)]
		}
		texts = append(texts, text)
	}
	return texts
}

func (v localizer) role(r Role) string {
	switch nvr.Role(r) {
	case nvr.Lecturer:
		return v.pick("lecturer", "лектор")
	case nvr.Screen:
		return v.pick("screen", "экран")
	case nvr.Board:
		return v.pick("board", "доска")
	}
	return v.pick("sound", "звук")
}

// source names a source as people know it: role, and number as in file names.
func (v localizer) source(role Role, octet string) string {
	return v.role(role) + " (" + octet + ")"
}

func (v localizer) layout(l Layout) string {
	switch l {
	case LecturerScreen:
		return v.pick("lecturer + screen", "лектор + экран")
	case LecturerBoard:
		return v.pick("lecturer + board", "лектор + доска")
	case LecturerAlone:
		return v.pick("lecturer alone", "только лектор")
	case ScreenAlone:
		return v.pick("screen alone", "только экран")
	case BoardAlone:
		return v.pick("board alone", "только доска")
	case Slate:
	}
	return v.pick("slate: nothing to show", "плашка: показать нечего")
}

func (v localizer) state(s State) string {
	switch s {
	case Footage:
		return v.pick("footage", "запись есть")
	case Card:
		return v.pick("card, no presentation", "заставка, презентации нет")
	case Damaged:
		return v.pick("damaged", "повреждено")
	case Missing:
	}
	return v.pick("missing", "записи нет")
}
