package main

import (
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/report"
)

// printHelp prints what a command does and its options, in the user's language. russian words the
// options, by name; as everywhere in package flag, `back quotes` name the value.
func printHelp(w io.Writer, about fault.Reason, f *flag.FlagSet, russian map[string]string) {
	var out strings.Builder
	out.WriteString(reason(about))
	initially := "default"
	if language() == report.Russian {
		initially = "по умолчанию"
	}
	f.VisitAll(func(option *flag.Flag) {
		if words := russian[option.Name]; words != "" && language() == report.Russian {
			option.Usage = words
		}
		value, words := flag.UnquoteUsage(option)
		out.WriteString(strings.TrimRight("  --"+option.Name+" "+value, " ") + "\n")
		if option.DefValue != "" && option.DefValue != "false" && option.DefValue != "0s" {
			words += fmt.Sprintf(" (%s %s)", initially, option.DefValue)
		}
		fmt.Fprintf(&out, "        %s\n", strings.ReplaceAll(words, "\n", "\n        "))
	})
	_, _ = io.WriteString(w, out.String())
}

func usage() string {
	return reason(fault.Reason{
		En: `NVR Merger on one machine.

  local merge     one lecture out of a folder of recorder files: local merge --help
  local presence  where screen recordings show a presentation:   local presence --help
  local sample    a sample afternoon of a room, to try it out:   local sample --help

  local serve     the whole system: page, APIs, queue, stand-ins: local serve --help
  local records   the newest records, and where each stands
  local retry     runs a failed or withdrawn record again
  local rooms     lists the rooms, adds and changes one
  local keys      API keys: made, imported, listed, revoked
  local erase     takes a person's data out of the database
  local doctor    is everything in order, and how to mend what is not
`,
		Ru: `NVR Merger на одной машине.

  local merge     лекция одним видео из папки с файлами регистратора:  local merge --help
  local presence  где в записи экрана идёт презентация:                local presence --help
  local sample    пример записи одного дня аудитории, чтобы попробовать: local sample --help

  local serve     вся система: страница, API, очередь, замены Google:  local serve --help
  local records   последние записи и где каждая из них
  local retry     запускает неудавшуюся или отозванную запись снова
  local rooms     список аудиторий, добавление и изменение
  local keys      ключи API: создание, импорт, список, отзыв
  local erase     убирает данные человека из базы
  local doctor    всё ли в порядке и как исправить то, что нет
`,
	})
}

func mergeHelp() fault.Reason {
	return fault.Reason{
		En: `One finished video of a lecture, out of a folder of recorder files.

  local merge --segments DIR --room 504 --date 2026-11-20 --start 15:10 --end 16:30 \
      --lecturer 24 --screen 21 --board 30 --sound 24 --out FILE.mp4

The folder is searched with all folders in it for files named YYYY-MM-DD_HH:MM_<room>_<source>.mp4.
Of the sources any may be left out, but one picture must remain. An interrupted merge goes on where
it was when the same command is given again. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no usable
footage, 130 interrupted.

Options:
`,
		Ru: `Лекция одним готовым видео из папки с файлами регистратора.

  local merge --segments ПАПКА --room 504 --date 2026-11-20 --start 15:10 --end 16:30 \
      --lecturer 24 --screen 21 --board 30 --sound 24 --out ФАЙЛ.mp4

В папке и во всех папках внутри неё ищутся файлы с именами ГГГГ-ММ-ДД_ЧЧ:ММ_<аудитория>_<источник>.mp4.
Любой источник можно не указывать, но одна картинка должна остаться. Прерванная склейка продолжится с
того же места, если дать ту же команду снова. Коды выхода: 0 готово, 1 не удалось, 2 неверный вызов,
3 нет пригодных записей, 130 прервано.

Параметры:
`,
	}
}

func mergeHelpRussian() map[string]string {
	return map[string]string{
		"segments":       "`папка` с файлами регистратора",
		"out":            "`файл` .mp4, который будет записан; появляется только целиком",
		"work":           "`папка`, которая хранится между запусками, чтобы готовые части не делать снова (если не указана: ФАЙЛ.mp4.work, удаляется в конце)",
		"cards":          "`папка` с дополнительными картинками (PNG, JPEG): что шлёт кодер, когда ничего не подключено",
		"parallel":       "сколько `частей` делать одновременно",
		"plan":           "напечатать plan.json: что было бы сделано и почему; ничего не делать",
		"report":         "`файл` отчёта, .json или .html; можно указать дважды",
		"room":           "`аудитория`, как в именах файлов",
		"date":           "`день` начала, ГГГГ-ММ-ДД",
		"start":          "`время` аудитории, ЧЧ:ММ или ЧЧ:ММ:СС",
		"end":            "`время` аудитории; раньше начала значит на следующий день",
		"lecturer":       "`номер` камеры лектора: последний октет её адреса, как в именах файлов",
		"screen":         "`номер` кодера, который пишет проектор",
		"board":          "`номер` камеры доски",
		"sound":          "`номер` источника, чей звук нужен; где его нет, звук берётся у других",
		"title":          "`название` для файла",
		"policy":         "как оценивать экран: `auto` находит смены внутри файла, half-hour оценивает каждый файл целиком",
		"size":           "размер `ШxВ` всей картинки: две панели в половину ширины",
		"loudness":       "до скольких `LUFS` довести звук, или off",
		"time-zone":      "часовой `пояс` аудитории",
		"fps":            "`кадров` в секунду: 25, 30 или 50",
		"segment-length": "обычная `длина` файла",
		"slice":          "`длина` одной части",
	}
}

func presenceHelp() fault.Reason {
	return fault.Reason{
		En: `Where screen recordings show a presentation, and where only the encoder's canvas.

  local presence [--cards DIR] [--json] FILE...

Times are seconds since the file's zero, its earliest picture or sound. The verdict on a whole file is
that of the policy half-hour: canvas unless at least a minute, or half of a shorter file, is a
presentation. Exit codes: 0 done, 1 a file could not be judged, 2 wrong usage, 3 no file has pictures,
130 interrupted.

Options:
`,
		Ru: `Где в записи экрана идёт презентация, а где только полотно кодера.

  local presence [--cards ПАПКА] [--json] ФАЙЛ...

Время в секундах от нуля файла: самой ранней его картинки или звука. Весь файл оценивается по правилу
half-hour: полотно (canvas), если презентации (presentation) меньше минуты, а в коротком файле меньше
половины. Коды выхода: 0 готово, 1 какой-то файл оценить не удалось, 2 неверный вызов, 3 ни в одном
файле нет картинки, 130 прервано.

Параметры:
`,
	}
}

func presenceHelpRussian() map[string]string {
	return map[string]string{
		"cards": mergeHelpRussian()["cards"],
		"json":  "напечатать массив JSON, по объекту на файл",
	}
}

func sampleHelp() fault.Reason {
	return fault.Reason{
		En: `A sample afternoon of a room as its recorder would have left it: a lecturer, slides, a board.

  local sample --out DIR

Options:
`,
		Ru: `Пример записи аудитории, какой её оставил бы регистратор: лектор, слайды, доска.

  local sample --out ПАПКА

Параметры:
`,
	}
}

func sampleHelpRussian() map[string]string {
	return map[string]string{
		"out":            "`папка`, куда писать файлы",
		"date":           "`день`, ГГГГ-ММ-ДД",
		"start":          "первая `минута`, ЧЧ:ММ",
		"end":            "последняя `минута`, ЧЧ:ММ; раньше начала значит на следующий день",
		"time-zone":      "часовой `пояс` аудитории",
		"size":           "размер картинки каждого источника, `ШxВ`, чётные числа",
		"fps":            "`кадров` в секунду",
		"faults":         "`имена` неисправностей через запятую, или none:\n" + faultWords(),
		"room":           "название `аудитории`",
		"segment-length": "`длина` каждого файла, целые минуты",
		"lecturer":       "`номер` камеры лектора; пусто: нет камеры",
		"screen":         "`номер` кодера; пусто: нет кодера",
		"board":          "`номер` камеры доски; пусто: нет камеры",
		"seed":           "другое `число` нарисует другую аудиторию",
	}
}
