package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/nvr-miem/merger/functions"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/localcloud/machine"
)

func serveHelp() fault.Reason {
	return fault.Reason{
		En: `The whole system on one machine: the page, the APIs, the functions, the jobs, and stand-ins for Google.

  local serve --data DIR

Everything that is state lies under DIR; Ctrl-C ends all, the next start goes on. Put the recorder's
files into DIR/segments/<room>/<YYYY-MM-DD>/. What the page, the APIs and the functions answer to is
printed at the start.

`,
		Ru: `Вся система на одной машине: страница, API, функции, задания и замены Google.

  local serve --data ПАПКА

Всё состояние лежит в ПАПКЕ; Ctrl-C останавливает всё, следующий запуск продолжает. Файлы регистратора
кладите в ПАПКА/segments/<аудитория>/<ГГГГ-ММ-ДД>/. По каким адресам отвечают страница, API и функции,
будет напечатано при запуске.

`,
	}
}

func serveHelpRussian() map[string]string {
	return map[string]string{
		"data":           "`папка` для всего состояния; появится, если её нет",
		"listen":         "`адрес` единственного порта; только loopback, ведь входа по паролю нет",
		"time-scale":     "разделить все ожидания (расписание, аренды, сроки, паузы) на `N`; часы остаются как есть",
		"segment-length": "номинальная `длина` файла, для аудиторий без своей настройки",
		"slice":          "`длина` того, что рендерит одна задача",
		"time-zone":      "часовой `пояс` по IANA, для аудиторий без своей настройки",
		"language":       "`язык` надписей в календарях и курсах, для аудиторий без своей настройки: ru или en",
		"database":       "`DSN` другой базы вместо ПАПКА/nvr.db, например mysql://user:password@host:3306/nvr",
		"webhook":        "`URL`, куда сообщать, что запись готова или не удалась",
		"webhook-secret": "`секрет` для подписи этих сообщений; если не указан, создаётся и хранится в ПАПКЕ",
		"rate-limit":     "сколько `запросов` в секунду можно с одним ключом API",
		"max-merges":     "сколько `записей` одновременно в работе до склейки",
		"size":           "размер `ШxВ` всей картинки",
		"workspace":      "чьи Диск, Календарь и Classroom: замены (`local`) или google (тогда учётные записи называют DELEGATE и *_SUBJECT)",
		"user":           "`адрес` человека за страницей",
		"operators":      "`адреса` операторов через запятую; пусто: человек за страницей — оператор",
		"chaos":          "доставлять сообщения дважды, поздно, не по порядку и с потерянными ответами, как это может Pub/Sub; случайности задаёт `N`; 0: не нарочно",
	}
}

// serveOptions are what serve was asked for.
type serveOptions struct {
	data      string
	listen    string
	scale     float64
	segment   time.Duration
	slice     time.Duration
	zone      string
	language  string
	database  string
	webhook   string
	secret    string
	rate      int
	merges    int
	size      string
	workspace string
	user      string
	operators string
	chaos     uint64
}

func parseServe(args []string, out io.Writer) (serveOptions, error) {
	var o serveOptions
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.data, "data", "", "`DIR` that holds all state: made if it is not there")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8080", "`ADDRESS` of the one port; loopback only, as there is no sign-in")
	flags.Float64Var(&o.scale, "time-scale", 1, "divide every wait (scheduler, leases, deadlines, back-offs) by `N`; the clock stays")
	flags.DurationVar(&o.segment, "segment-length", 30*time.Minute, "nominal `LENGTH` of a segment, for rooms without a setting")
	flags.DurationVar(&o.slice, "slice", 10*time.Minute, "`LENGTH` of what one task renders")
	flags.StringVar(&o.zone, "time-zone", "Europe/Moscow", "IANA `ZONE` of rooms without a setting")
	flags.StringVar(&o.language, "language", "ru", "`LANGUAGE` of what is written in calendars and courses, for rooms without a setting: ru or en")
	flags.StringVar(&o.database, "database", "", "`DSN` of another database than DIR/nvr.db, like mysql://user:password@host:3306/nvr")
	flags.StringVar(&o.webhook, "webhook", "", "`URL` that is told when a record is done or failed")
	flags.StringVar(&o.secret, "webhook-secret", "", "`SECRET` that signs what the webhook is told; made and kept in DIR if empty")
	flags.IntVar(&o.rate, "rate-limit", 50, "`REQUESTS` a second that an API key may make")
	flags.IntVar(&o.merges, "max-merges", 20, "`RECORDS` on their way to a merge at once")
	flags.StringVar(&o.size, "size", "2560x720", "`WxH` of the whole picture")
	flags.StringVar(&o.workspace, "workspace", "local", "whose Drive, Calendar and Classroom: `local` stand-ins, or google (then DELEGATE and *_SUBJECT name the accounts)")
	flags.StringVar(&o.user, "user", "operator@localhost", "`ADDRESS` of the person at the page")
	flags.StringVar(&o.operators, "operators", "", "`ADDRESSES` of operators, with commas between; empty: the person at the page is one")
	flags.Uint64Var(&o.chaos, "chaos", 0, "deliver messages doubled, late, out of order and with lost answers, drawn from `SEED`, as Pub/Sub may; 0: not on purpose")
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		printHelp(out, serveHelp(), flags, serveHelpRussian())
		return o, flag.ErrHelp
	}
	if err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected %q", flags.Arg(0))
	}
	return o, o.check()
}

// check says everything that is wrong.
func (o *serveOptions) check() error {
	var wrong []error
	if o.data == "" {
		wrong = append(wrong, errors.New("--data is missing: say in which folder the state lies"))
	}
	host, _, err := net.SplitHostPort(o.listen)
	if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		wrong = append(wrong, fmt.Errorf("--listen %s: want an address on loopback like 127.0.0.1:8080, since nobody has to sign in here", o.listen))
	}
	if o.workspace != "local" && o.workspace != "google" {
		wrong = append(wrong, fmt.Errorf("--workspace %q: want local or google", o.workspace))
	}
	var w, h int
	if n, err := fmt.Sscanf(o.size, "%dx%d", &w, &h); n != 2 || err != nil {
		wrong = append(wrong, fmt.Errorf("--size %q: want WxH, like 2560x720", o.size))
	}
	return errors.Join(wrong...)
}

// serveCommand runs the system until it is interrupted.
func serveCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseServe(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err == nil {
		o.data, err = filepath.Abs(o.data)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "local serve: %v\nSee: local serve --help\n", err)
		return exitUsage
	}
	machineOptions, err := o.machine()
	if err == nil {
		err = machine.Run(ctx, machineOptions, stdout)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "local serve: %v\n", err)
		return exitFailed
	}
	return exitDone
}

// machine is what the options ask the machine to run.
func (o *serveOptions) machine() (machine.Options, error) {
	data := o.dataOptions()
	dsn, err := data.dsn()
	if err != nil {
		return machine.Options{}, err
	}
	var width, height int
	if _, err := fmt.Sscanf(o.size, "%dx%d", &width, &height); err != nil {
		return machine.Options{}, fmt.Errorf("--size %q: %w", o.size, err)
	}
	return machine.Options{
		Data: o.data, Listen: o.listen, Scale: o.scale, SegmentLength: o.segment, Slice: o.slice, Zone: o.zone, Language: o.language,
		Database: dsn, Webhook: o.webhook, WebhookSecret: o.secret, RateLimit: o.rate, MaxMerges: o.merges, Width: width, Height: height,
		Workspace: o.workspace, User: o.user, Operators: o.operators, Chaos: o.chaos,
		Functions: functions.Names(), Env: os.Environ(), Now: time.Now,
	}, nil
}
