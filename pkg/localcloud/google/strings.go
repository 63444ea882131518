package google

import "strings"

// words are what the pages say, in one language.
type words struct {
	Workspace, About                               string
	Drive, Calendar, Classroom                     string
	Folder, Files, Size, Changed, Shared, Record   string
	NoFiles, NoEvents, NoCourses, NoPosts, Nothing string
	Open, Play, Trash, AllDay, Cancelled, Series   string
	Organizer, Creator, Guests                     string
	Draft, Deleted, Code, Owner                    string
	// of sizes, each a thousand of the one before
	Units []string
}

func english() words {
	return words{
		Workspace: "Workspace on this machine",
		About:     "Stand-ins of Google Drive, Calendar and Classroom. Nothing here leaves this machine.",
		Drive:     "Drive",
		Calendar:  "Calendar",
		Classroom: "Classroom",
		Folder:    "Folder",
		Files:     "Files",
		Size:      "Size",
		Changed:   "Changed",
		Shared:    "Shared with",
		Record:    "Record",
		NoFiles:   "No files yet.",
		NoEvents:  "No events within 60 days.",
		NoCourses: "No courses yet.",
		NoPosts:   "No announcements yet.",
		Nothing:   "No calendars yet.",
		Open:      "Open",
		Play:      "Play",
		Trash:     "in the trash",
		AllDay:    "all day",
		Cancelled: "cancelled",
		Series:    "of a series",
		Organizer: "Organizer",
		Creator:   "Created by",
		Guests:    "Guests",
		Draft:     "draft",
		Deleted:   "deleted",
		Code:      "Code",
		Owner:     "Owner",
		Units:     []string{"B", "kB", "MB", "GB"},
	}
}

func russian() words {
	return words{
		Workspace: "Workspace на этом компьютере",
		About:     "Замена Google Диска, Календаря и Класса. Отсюда ничего не уходит наружу.",
		Drive:     "Диск",
		Calendar:  "Календарь",
		Classroom: "Класс",
		Folder:    "Папка",
		Files:     "Файлов",
		Size:      "Размер",
		Changed:   "Изменён",
		Shared:    "Доступ",
		Record:    "Запись",
		NoFiles:   "Файлов пока нет.",
		NoEvents:  "За 60 дней нет мероприятий.",
		NoCourses: "Курсов пока нет.",
		NoPosts:   "Объявлений пока нет.",
		Nothing:   "Календарей пока нет.",
		Open:      "Открыть",
		Play:      "Смотреть",
		Trash:     "в корзине",
		AllDay:    "весь день",
		Cancelled: "отменено",
		Series:    "из серии",
		Organizer: "Организатор",
		Creator:   "Создал",
		Guests:    "Гости",
		Draft:     "черновик",
		Deleted:   "удалено",
		Code:      "Код",
		Owner:     "Владелец",
		Units:     []string{"Б", "кБ", "МБ", "ГБ"},
	}
}

// language picks the words by what a browser asks for: Russian if it comes before English.
func language(accept string) (string, words) {
	for item := range strings.SplitSeq(strings.ToLower(accept), ",") {
		item = strings.TrimSpace(item)
		if strings.HasPrefix(item, "ru") {
			return "ru", russian()
		}
		if strings.HasPrefix(item, "en") {
			break
		}
	}
	return "en", english()
}
