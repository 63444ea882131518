package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/nvr-miem/merger/pkg/app"
	"github.com/nvr-miem/merger/pkg/ffmpeg"
	"github.com/nvr-miem/merger/pkg/ocr"
	"github.com/nvr-miem/merger/pkg/store"
)

// database opens it and keeps it open for the rooms; nil if it cannot be used.
func (d *Doctor) database(ctx context.Context) (*app.Process, []Finding) {
	if d.Config.Database == "" {
		return nil, nil // the configuration says so
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	reach := say("is the server up, and do address, user and password in DATABASE hold?", "работает ли сервер, верны ли адрес, пользователь и пароль в DATABASE?")
	if strings.HasPrefix(string(d.Config.Database), "sqlite:") {
		reach = say("is this the folder that serve was given, and may you read and write nvr.db there? A damaged one: put a copy in its place",
			"та ли это папка, что у serve, можно ли читать и писать в ней nvr.db? Повреждённую базу замените копией")
	}
	migrate := say("run the job migrate (on one machine: start serve once)", "запустите задание migrate (на одной машине: один раз запустите serve)")
	p, err := d.open(ctx, app.Store)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		where := strings.TrimPrefix(string(d.Config.Database), "sqlite:")
		return nil, []Finding{fail("database", say("there is none at "+where, "её нет: "+where), migrate)}
	case err != nil:
		return nil, []Finding{fail("database", because(err), reach)}
	}
	current, needed, err := p.DB.Schema.Version(ctx)
	switch {
	case errors.Is(err, store.ErrReplaced):
		_ = p.Close() // nothing was written
		return nil, []Finding{fail("database", say("the table records has lost our columns: a dump was imported over it", "в таблице records нет наших столбцов: поверх неё загрузили дамп"),
			say("run the job migrate with the argument down, then without", "запустите задание migrate с аргументом down, затем без него"))}
	case err != nil:
		_ = p.Close() // the error above says what is wrong
		return nil, []Finding{fail("database", because(err), reach)}
	case current < needed:
		_ = p.Close() // nothing was written
		return nil, []Finding{fail("database", say(fmt.Sprintf("schema %d, this build needs %d", current, needed), fmt.Sprintf("схема %d, этой сборке нужна %d", current, needed)), migrate)}
	}
	findings := []Finding{ok("database", say(fmt.Sprintf("answers, schema %d", current), fmt.Sprintf("отвечает, схема %d", current)))}
	if current > needed {
		findings[0] = warn("database", say(fmt.Sprintf("schema %d is newer than this build, which knows %d", current, needed), fmt.Sprintf("схема %d новее этой сборки, которая знает %d", current, needed)),
			say("fine after a rollback of the program; else deploy the newer build", "после отката программы так и должно быть; иначе разверните более новую сборку"))
	}
	foreign, err := p.Store.Records.ForeignProcessing(ctx, 100)
	switch {
	case err != nil:
		findings = append(findings, fail("foreign rows", because(err), reach))
	case len(foreign) > 0:
		var ids []string
		for _, rec := range foreign {
			ids = append(ids, fmt.Sprint(rec.ID))
		}
		list := strings.Join(ids, ", ")
		findings = append(findings, warn("foreign rows", say("processing = 1 without a lease, somebody else works or worked on: "+list, "processing = 1 без аренды, ими занят или был занят кто-то другой: "+list),
			say("is the old merger stopped? Then withdraw and retry each on the operators' page (In foreign hands), or: update records set processing = 0 where id in ("+list+")",
				"старый сборщик остановлен? Тогда отзовите и повторите каждую на странице операторов («В чужих руках») или: update records set processing = 0 where id in ("+list+")")))
	default:
		findings = append(findings, ok("foreign rows", say("none", "нет")))
	}
	return p, findings
}

// machine looks at the programs and the disk.
func (d *Doctor) machine(ctx context.Context) []Finding {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	var findings []Finding
	if tool, err := ffmpeg.Find(ctx); err != nil {
		findings = append(findings, fail("ffmpeg", because(err), same("apt-get install ffmpeg")))
	} else {
		findings = append(findings, ok("ffmpeg", same("%s", tool.Version())))
	}
	reader, err := ocr.Find(ctx)
	if err != nil || reader == nil {
		why := say("is not there: a card that only its words give away is taken for a presentation", "не установлен: заставка, которую выдают только слова, будет принята за презентацию")
		findings = append(findings, warn("tesseract", why, same("apt-get install tesseract-ocr tesseract-ocr-rus")))
	} else {
		findings = append(findings, ok("tesseract", same("%s", reader.Languages())))
	}
	if d.Space == nil {
		return findings
	}
	free, err := d.Space()
	gigabytes := float64(free) / 1e9
	detail := say(fmt.Sprintf("%.1f GB free", gigabytes), fmt.Sprintf("свободно %.1f ГБ", gigabytes))
	room := say("a lecture needs about 2 GB while it is made: make room", "лекции нужно около 2 ГБ, пока она собирается: освободите место")
	switch {
	case err != nil:
		return append(findings, fail("disk", because(err), say("does the folder exist?", "существует ли папка?")))
	case gigabytes < 1:
		return append(findings, fail("disk", detail, room))
	case gigabytes < 10:
		return append(findings, warn("disk", detail, room))
	}
	return append(findings, ok("disk", detail))
}

// webhook asks whether somebody listens; a HEAD tells nobody anything.
func (d *Doctor) webhook(ctx context.Context) []Finding {
	if d.Config.Webhook == "" {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	way := say("is the address in WEBHOOK right, and its server up?", "верен ли адрес в WEBHOOK, работает ли его сервер?")
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, d.Config.Webhook, http.NoBody)
	if err != nil {
		return []Finding{fail("webhook", say("its address cannot be read", "адрес не читается"), way)}
	}
	res, err := http.DefaultClient.Do(request)
	if err != nil {
		return []Finding{fail("webhook", say("does not answer", "не отвечает"), way)} // the address may be a secret
	}
	_ = res.Body.Close() // nothing is read of it
	if res.StatusCode >= http.StatusInternalServerError {
		return []Finding{warn("webhook", same("%s", res.Status), way)}
	}
	return []Finding{ok("webhook", say("answers", "отвечает"))}
}
