package pipeline

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nvr-miem/merger/pkg/nvr"
)

// What people read when a record waits or fails. Each names the cause and the way out.

func unknownRoom(room string) nvr.Reason {
	return nvr.Reason{
		En: fmt.Sprintf("There is no room %q. Ask for the recording again with the name of a room that exists.", room),
		Ru: fmt.Sprintf("Аудитории «%s» нет. Запросите запись ещё раз, указав существующую аудиторию.", room),
	}
}

func nonsenseTimes(r nvr.Record) nvr.Reason {
	return nvr.Reason{
		En: fmt.Sprintf("The date or the times make no sense (%s, %s to %s). Ask again with a date like 2026-11-20 and times like 15:10.", r.Date, r.StartTime, r.EndTime),
		Ru: fmt.Sprintf("Дата или время указаны неверно (%s, с %s до %s). Запросите ещё раз: дата вида 2026-11-20, время вида 15:10.", r.Date, r.StartTime, r.EndTime),
	}
}

func badFolder(room string) nvr.Reason {
	return nvr.Reason{
		En: fmt.Sprintf("The Drive folder of room %s is written wrongly: an operator can correct it, then try again.", room),
		Ru: fmt.Sprintf("Папка Диска для аудитории %s указана неверно: оператор может исправить, затем повторите.", room),
	}
}

// remark is a reason in a column that holds text: JSON with both languages.
func remark(r nvr.Reason) string {
	text, err := json.Marshal(r)
	if err != nil {
		return r.En // two strings always marshal
	}
	return string(text)
}

func noSources(room string) nvr.Reason {
	return nvr.Reason{
		En: fmt.Sprintf("Room %q has no camera assigned. An operator can add its sources; then try again.", room),
		Ru: fmt.Sprintf("У аудитории «%s» не указаны камеры. Оператор может добавить источники, затем повторите.", room),
	}
}

func noFootage(r nvr.Record, detail, detailRu string) nvr.Reason {
	return nvr.Reason{
		En: fmt.Sprintf("Nothing was recorded in room %s on %s from %s to %s%s. Check the time, or ask the operators whether the recorder was running.", r.Room, r.Date, r.StartTime, r.EndTime, detail),
		Ru: fmt.Sprintf("В аудитории %s %s с %s до %s ничего не записано%s. Проверьте время или спросите операторов, работала ли запись.", r.Room, r.Date, r.StartTime, r.EndTime, detailRu),
	}
}

func waitingForFootage(missing int, until time.Time) nvr.Reason {
	return nvr.Reason{
		En: fmt.Sprintf("Waiting for %d files of the recorder, until %s at the latest.", missing, until.Format("15:04")),
		Ru: fmt.Sprintf("Ждём файлы записи (%d), самое позднее до %s.", missing, until.Format("15:04")),
	}
}

func willTryAgain(step nvr.Step) nvr.Reason {
	return nvr.Reason{
		En: fmt.Sprintf("Something did not work for a moment (step %s); it is tried again by itself.", step),
		Ru: fmt.Sprintf("Временная неполадка (шаг %s); повторим автоматически.", step),
	}
}

func keptFailing(step nvr.Step) nvr.Reason {
	return nvr.Reason{
		En: fmt.Sprintf("It did not work after several tries (step %s). The operators see the cause; they can start it again.", step),
		Ru: fmt.Sprintf("Не получилось после нескольких попыток (шаг %s). Операторы видят причину и могут запустить ещё раз.", step),
	}
}

func withdrawn() nvr.Reason {
	return nvr.Reason{
		En: "The event was cancelled or asks not to be recorded.",
		Ru: "Событие отменено, или в нём указано «без записи».",
	}
}

func videoGone() nvr.Reason {
	return nvr.Reason{
		En: "Somebody removed the video from Drive before it could be linked. It can be brought there again: try again, or ask an operator.",
		Ru: "Видео удалили с Диска до того, как появилась ссылка. Его можно выложить заново: попробуйте ещё раз или обратитесь к оператору.",
	}
}

func notPlayableYet() nvr.Reason {
	return nvr.Reason{
		En: "The video is on Drive; Drive is still preparing it for watching.",
		Ru: "Видео уже на Диске; Диск ещё готовит его к просмотру.",
	}
}
