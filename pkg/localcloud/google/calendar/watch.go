package calendar

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/nvr-miem/merger/pkg/localcloud/google/api"
)

const (
	channelLives = 7 * 24 * time.Hour // at most, and if nothing is said
	maxChannelID = 64                 // characters
	noticeTries  = 4                  // of one notification; Google retries too, and does not say how often
	noticePause  = time.Second        // before the second try; it doubles, and is divided by the scale
	noticeTime   = 10 * time.Second   // that one try may take
)

// channel is the row of a notification channel.
type channel struct {
	ID       string    `json:"id"`
	Resource string    `json:"resource"`
	Calendar string    `json:"calendar"`
	Address  string    `json:"address"`
	Token    string    `json:"token,omitempty"`
	EndsAt   time.Time `json:"endsAt"`
}

// watch answers events.watch. Only addresses of this machine are accepted.
func (c *Calendar) watch(call *api.Call) (*api.Answer, error) {
	id, address := api.Text(call.Body, "id"), api.Text(call.Body, "address")
	switch {
	case id == "" || len(id) > maxChannelID:
		return nil, api.Invalid(
			"id", "Channel id not specified or longer than %d characters.", maxChannelID,
		)
	case api.Text(call.Body, "type") != "web_hook" && api.Text(call.Body, "type") != "webhook":
		return nil, api.Invalid("type", "Unknown channel type %q", api.Text(call.Body, "type"))
	case !onLoopback(address):
		return nil, api.Refuse(
			http.StatusBadRequest,
			"push.webhookUrlNotHttps",
			"WebHook callback must be an address of this machine: %s",
			address,
		)
	}
	endsAt := c.o.Now().Add(channelLives)
	if ttl, err := strconv.Atoi(api.Text(
		api.Child(call.Body, "params"), "ttl",
	)); err == nil && ttl > 0 {
		endsAt = earlier(endsAt, c.o.Now().Add(time.Duration(ttl)*time.Second))
	}
	if wish := call.Body["expiration"]; wish != nil {
		ms, err := strconv.ParseInt(fmt.Sprint(wish), 10, 64)
		if err != nil || !time.UnixMilli(ms).After(c.o.Now()) {
			return nil, api.Invalid("expiration", "The channel's expiration has passed.")
		}
		endsAt = earlier(endsAt, time.UnixMilli(ms))
	}
	row := &channel{
		ID:       id,
		Resource: resourceID(named(call)),
		Calendar: named(call),
		Address:  address,
		Token:    api.Text(call.Body, "token"),
		EndsAt:   endsAt,
	}
	err := c.db.Update(func() error {
		if before := c.channels.Get(id); before != nil && before.EndsAt.After(c.o.Now()) {
			return api.Refuse(
				http.StatusBadRequest, "channelIdNotUnique", "Channel id %s not unique", id,
			)
		}
		c.open(row.Calendar)
		c.channels.Put(id, row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.notices.send(notice{channel: *row, state: "sync", number: 1})
	body := api.Object{
		"kind":        "api#channel",
		"id":          id,
		"resourceId":  row.Resource,
		"resourceUri": c.resourceURI(row.Calendar),
		"expiration":  strconv.FormatInt(endsAt.UnixMilli(), 10),
	}
	if row.Token != "" {
		body["token"] = row.Token
	}
	return api.OK(body)
}

// earlier returns the earlier of two instants.
func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// resourceID returns the opaque id of a watched calendar.
func resourceID(calendar string) string {
	return fmt.Sprintf("%x", calendarKey(calendar))
}

// resourceURI returns the address of a watched calendar's events.
func (c *Calendar) resourceURI(calendar string) string {
	return c.o.BaseURL + "/calendar/v3/calendars/" + url.PathEscape(calendar) + "/events?alt=json"
}

// onLoopback reports whether an address is http or https on this machine.
func onLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// stopChannel answers channels.stop.
func (c *Calendar) stopChannel(call *api.Call) (*api.Answer, error) {
	err := c.db.Update(func() error {
		id := api.Text(call.Body, "id")
		row := c.channels.Get(id)
		if row == nil || row.Resource != api.Text(call.Body, "resourceId") {
			return api.Refuse(
				http.StatusNotFound, "notFound", "Channel '%s' not found for project", id,
			)
		}
		c.channels.Delete(id)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return api.Done()
}

// noticesOf returns the notifications about a change of a calendar, given by its key. Expired
// channels are deleted. It runs inside an update.
func (c *Calendar) noticesOf(key string) []notice {
	var told []notice
	var over []string
	for id, row := range c.channels.All() {
		switch {
		case !row.EndsAt.After(c.o.Now()):
			over = append(over, id)
		case calendarKey(row.Calendar) == key:
			told = append(
				told,
				notice{
					channel: *row,
					state:   "exists",
					number:  c.sequence + 1,
					uri:     c.resourceURI(row.Calendar),
				},
			)
		}
	}
	for _, id := range over {
		c.channels.Delete(id)
	}
	return told
}

// notice is one message to a channel.
type notice struct {
	channel channel
	state   string // sync or exists
	number  int64
	uri     string
}

// notices sends messages, those of one channel one after the other. Unsent ones are lost when the
// process ends, as Google's are at times.
type notices struct {
	o      Options
	client *http.Client
	ctx    context.Context // ends with the stand-in, not with a request
	cancel context.CancelFunc
	ended  sync.WaitGroup

	mu     sync.Mutex
	queues map[string][]notice // by channel; there while its sender runs
}

// newNotices returns a sender that connects to this machine only.
func newNotices(o Options) *notices {
	ctx, cancel := context.WithCancel(context.Background())
	dialer := &net.Dialer{Timeout: noticeTime, Control: loopbackOnly}
	return &notices{
		o:      o,
		ctx:    ctx,
		cancel: cancel,
		queues: map[string][]notice{},
		client: &http.Client{
			Timeout: noticeTime,
			Transport: &http.Transport{
				DialContext:         dialer.DialContext,
				MaxIdleConnsPerHost: 1,
				IdleConnTimeout:     noticeTime,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse
			},
		},
	}
}

// loopbackOnly refuses to connect to other machines, whatever a name resolves to.
func loopbackOnly(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().IsLoopback() {
		return fmt.Errorf("%s is not this machine", address)
	}
	return nil
}

// send queues notifications. One waiting notification of a channel covers all changes.
func (n *notices) send(list ...notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, one := range list {
		if n.ctx.Err() != nil {
			return
		}
		id := one.channel.ID
		waiting, running := n.queues[id]
		if len(waiting) > 0 && waiting[len(waiting)-1].state == one.state {
			waiting[len(waiting)-1] = one
			continue
		}
		n.queues[id] = append(waiting, one)
		if !running {
			n.ended.Go(func() { n.run(id) })
		}
	}
}

// run sends the queued notifications of a channel.
func (n *notices) run(id string) {
	for {
		n.mu.Lock()
		if len(n.queues[id]) == 0 {
			delete(n.queues, id)
			n.mu.Unlock()
			return
		}
		one := n.queues[id][0]
		n.queues[id] = n.queues[id][1:]
		n.mu.Unlock()
		if err := n.deliver(one); err != nil && n.ctx.Err() == nil {
			n.o.Log.Warn("a notice of a calendar was given up", "channel", id, "error", err)
		}
	}
}

// deliver posts a notification, with retries.
func (n *notices) deliver(one notice) error {
	pause := time.Duration(float64(noticePause) / max(n.o.Scale, 1e-9))
	var err error
	for try := range noticeTries {
		if try > 0 {
			timer := time.NewTimer(pause)
			pause *= 2
			select {
			case <-timer.C:
			case <-n.ctx.Done():
				timer.Stop()
				return n.ctx.Err()
			}
		}
		var again bool
		if again, err = n.post(one); err == nil || !again {
			return err
		}
	}
	return err
}

// post sends a notification once. It reports whether a retry may help.
func (n *notices) post(one notice) (again bool, err error) {
	request, err := http.NewRequestWithContext(
		n.ctx, http.MethodPost, one.channel.Address, http.NoBody,
	)
	if err != nil {
		return false, err
	}
	for name, value := range map[string]string{
		"X-Goog-Channel-ID":         one.channel.ID,
		"X-Goog-Channel-Token":      one.channel.Token,
		"X-Goog-Channel-Expiration": one.channel.EndsAt.UTC().Format(http.TimeFormat),
		"X-Goog-Resource-ID":        one.channel.Resource,
		"X-Goog-Resource-State":     one.state,
		"X-Goog-Resource-URI":       one.uri,
		"X-Goog-Message-Number":     strconv.FormatInt(one.number, 10),
		"User-Agent":                "APIs-Google",
	} {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	response, err := n.client.Do(request)
	if err != nil {
		return true, err
	}
	if err := response.Body.Close(); err != nil {
		return true, err
	}
	switch {
	case response.StatusCode < http.StatusMultipleChoices:
		return false, nil
	case response.StatusCode >= http.StatusInternalServerError:
		return true, fmt.Errorf("the watcher answered %s", response.Status)
	}
	return false, fmt.Errorf("the watcher answered %s", response.Status)
}

// close cancels running posts and waits for them.
func (n *notices) close() {
	n.mu.Lock()
	n.cancel()
	n.mu.Unlock()
	n.ended.Wait()
	n.client.CloseIdleConnections()
}
