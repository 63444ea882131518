package pubsub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	client "cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/localcloud/pubsub"
)

func TestPush(t *testing.T) {
	t.Parallel()
	bodies := make(chan []byte, 1)
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s with %s", r.Method, r.Header.Get("Content-Type"))
		}
		w.WriteHeader(http.StatusNoContent)
		bodies <- body
	})
	server := start(
		t,
		pubsub.Options{Subscriptions: []pubsub.Subscription{{
			Name:    "stage",
			Topic:   "stage",
			PushURL: url,
		}}},
	)
	publish(t, topics(t, server), 7)
	var got struct {
		Message struct {
			Data                                             []byte
			Attributes                                       map[string]string
			MessageID, Message_ID, PublishTime, Publish_Time string //nolint:revive // as they are on the wire
		}
		Subscription    string
		DeliveryAttempt *int
	}
	if err := json.Unmarshal(wait(t, bodies), &got); err != nil {
		t.Fatal(err)
	}
	if got.Subscription != "projects/p/subscriptions/stage" || got.DeliveryAttempt != nil {
		t.Errorf("%+v: want no count without a dead-letter policy", got)
	}
	if m := got.Message; string(m.Data) != `{"record":7,"attempt":1,"turn":0,"step":"stage"}` ||
		m.Attributes["record"] != "7" ||
		m.MessageID == "" || m.MessageID != m.Message_ID || m.PublishTime == "" || m.PublishTime != m.Publish_Time {
		t.Errorf("%+v", m)
	}
	until(t, server, "stage", func(s pubsub.Stats) bool {
		return s == pubsub.Stats{Acknowledged: 1}
	})
	if server.Kept() != 0 {
		t.Error("the message is kept")
	}
}

func TestAcknowledgements(t *testing.T) {
	t.Parallel()
	var status atomic.Int32
	url := handler(
		t,
		func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(int(status.Swap(http.StatusNoContent)))
		},
	)
	server := start(
		t,
		pubsub.Options{Subscriptions: []pubsub.Subscription{{
			Name:    "stage",
			Topic:   "stage",
			PushURL: url,
		}}},
	)
	topics := topics(t, server)
	failed := 0
	for i, c := range []struct {
		status int32
		fails  int
	}{
		{200, 0},
		{201, 0},
		{202, 0},
		{204, 0},
		{203, 1},
		{302, 1},
		{400, 1},
		{429, 1},
		{500, 1},
		{503, 1},
	} {
		status.Store(c.status)
		publish(t, topics, 1)
		failed += c.fails
		until(t, server, "stage", func(s pubsub.Stats) bool { return s.Acknowledged == i+1 })
		if got := server.Stats()["stage"].Failed; got != failed {
			t.Errorf("%d: %d failed, want %d", c.status, got, failed)
		}
	}
}

func TestDeadLetter(t *testing.T) {
	t.Parallel()
	attempts, dead := make(chan int, 100), make(chan dispatch.Message, 100)
	stage := handler(t, func(w http.ResponseWriter, r *http.Request) {
		message, err := dispatch.Receive(w, r)
		if err != nil {
			t.Error(err)
		}
		attempts <- message.Delivery
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	fail := handler(t, func(w http.ResponseWriter, r *http.Request) {
		message, err := dispatch.Receive(w, r)
		if err != nil {
			t.Error(err)
		}
		dead <- message
	})
	server := start(t, pubsub.Options{Subscriptions: []pubsub.Subscription{
		{
			Name:                "stage",
			Topic:               "stage",
			PushURL:             stage,
			DeadLetterTopic:     "fail",
			MaxDeliveryAttempts: 5,
		},
		{Name: "fail", Topic: "fail", PushURL: fail},
	}})
	publish(t, topics(t, server), 7)
	got := wait(t, dead)
	if got.Claim != claim(7) || got.Attributes["step"] != "stage" ||
		got.Subscription != "projects/p/subscriptions/fail" ||
		got.Delivery != 0 {
		t.Errorf("%+v", got)
	}
	if got.Dead == nil || got.Dead.Subscription != "stage" || got.Dead.Project != "p" ||
		got.Dead.Deliveries != 5 ||
		got.Dead.Published.IsZero() {
		t.Errorf("dead %+v", got.Dead)
	}
	for want := range 5 {
		if n := wait(t, attempts); n != want+1 {
			t.Errorf("delivery %d, want %d", n, want+1)
		}
	}
	until(
		t,
		server,
		"stage",
		func(s pubsub.Stats) bool { return s == pubsub.Stats{Failed: 5, DeadLettered: 1} },
	)
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for failed, want := range map[int]time.Duration{
		1:    10,
		2:    20,
		3:    40,
		6:    320,
		7:    600,
		8:    600,
		1000: 600,
	} {
		if got := pubsub.Backoff(10*time.Second, 600*time.Second, failed); got != want*time.Second {
			t.Errorf("after %d: %v, want %v", failed, got, want*time.Second)
		}
	}
}

// TestSlowHandler: who is slower than the deadline is not cut off, and is not alone any more.
func TestSlowHandler(t *testing.T) {
	t.Parallel()
	again, first := make(chan struct{}), make(chan error, 1)
	var calls atomic.Int32
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		if calls.Add(1) == 1 {
			select {
			case <-again:
				first <- nil
			case <-r.Context().Done():
				first <- r.Context().Err()
			}
			return
		}
		close(again)
	})
	server := start(t, pubsub.Options{
		Scale:       1000,
		Concurrency: 1,
		Subscriptions: []pubsub.Subscription{
			{Name: "stage", Topic: "stage", PushURL: url, AckDeadline: 600 * time.Second},
		},
	})
	publish(t, topics(t, server), 7)
	if err := wait(t, first); err != nil {
		t.Errorf("the slow handler was cut: %v", err)
	}
	until(
		t,
		server,
		"stage",
		func(s pubsub.Stats) bool { return s.Waiting == 0 && s.Acknowledged == 1 && s.Failed == 1 },
	)
}

// TestRefused: no process listens, as during a restart.
func TestRefused(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	lines := make(logged, 1000)
	server := start(t, pubsub.Options{
		Log: slog.New(slog.NewTextHandler(lines, nil)),
		Subscriptions: []pubsub.Subscription{{
			Name:    "stage",
			Topic:   "stage",
			PushURL: "http://" + addr,
		}},
	})
	publish(t, topics(t, server), 7)
	if line := wait(t, lines); !strings.Contains(line, "refused") {
		t.Errorf("logged %s", line)
	}
	if listener, err = net.Listen("tcp", addr); err != nil {
		t.Skip("the port was taken meanwhile:", err)
	}
	up := &httptest.Server{
		Listener: listener,
		Config:   &http.Server{Handler: http.NotFoundHandler()},
	}
	up.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	up.Start()
	t.Cleanup(up.Close)
	until(
		t,
		server,
		"stage",
		func(s pubsub.Stats) bool { return s.Waiting == 0 && s.Acknowledged == 1 && s.Failed > 0 },
	)
}

type logged chan string

func (l logged) Write(p []byte) (int, error) {
	select {
	case l <- string(bytes.Clone(p)):
	default:
	}
	return len(p), nil
}

func TestConcurrency(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}, 100), make(chan struct{})
	var mu sync.Mutex
	var inside, most int
	url := handler(t, func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		inside++
		most = max(most, inside)
		mu.Unlock()
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			inside--
		}()
		entered <- struct{}{}
		<-leave
	})
	server := start(
		t,
		pubsub.Options{
			Scale:         1,
			Concurrency:   3,
			Subscriptions: []pubsub.Subscription{{Name: "stage", Topic: "stage", PushURL: url}},
		},
	)
	publish(t, topics(t, server), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	for range 3 {
		wait(t, entered)
	}
	if s := server.Stats()["stage"]; s.Running != 3 || s.Waiting != 10 {
		t.Errorf("%+v, want 3 running of 10", s)
	}
	close(leave)
	until(t, server, "stage", func(s pubsub.Stats) bool { return s.Acknowledged == 10 })
	if mu.Lock(); most != 3 {
		t.Errorf("%d pushes at once, want 3", most)
	}
	mu.Unlock()
}

func TestChaos(t *testing.T) {
	t.Parallel()
	records := make(chan int64, 1000)
	url := handler(t, func(w http.ResponseWriter, r *http.Request) {
		if message, err := dispatch.Receive(w, r); err == nil {
			records <- message.Claim.Record
		}
	})
	deliveries := func(t *testing.T, chaos pubsub.Chaos, n int) []int64 {
		server := start(
			t,
			pubsub.Options{
				Chaos:         chaos,
				Concurrency:   1,
				Subscriptions: []pubsub.Subscription{{Name: "stage", Topic: "stage", PushURL: url}},
			},
		)
		publish(t, topics(t, server), 1, 2, 3, 4, 5, 6)
		var got []int64
		for range n {
			got = append(got, wait(t, records))
		}
		until(t, server, "stage", func(s pubsub.Stats) bool { return s.Waiting == 0 })
		for len(records) > 0 {
			got = append(got, <-records)
		}
		return got
	}
	if got := deliveries(t, pubsub.Chaos{Double: 1}, 12); len(got) != 12 {
		t.Errorf("doubled: %v", got)
	}
	if got := deliveries(t, pubsub.Chaos{Delay: 1, UpTo: time.Second}, 6); len(got) != 6 {
		t.Errorf("delayed: %v", got)
	}
	if got := deliveries(t, pubsub.Chaos{Seed: 1, Lost: 0.3}, 7); len(got) < 7 {
		t.Errorf("lost answers: %v, want more than 6", got)
	}
	got := deliveries(t, pubsub.Chaos{Seed: 3, Reorder: 0.5, UpTo: 10 * time.Second}, 6)
	if len(got) != 6 || slices.IsSorted(got) {
		t.Errorf("reordered: %v", got)
	}
}

// TestPull: a subscription without a push address is pstest's.
func TestPull(t *testing.T) {
	t.Parallel()
	server := start(
		t,
		pubsub.Options{
			Subscriptions: []pubsub.Subscription{{Name: "stage", Topic: "stage"}},
			Topics:        []string{"unused"},
		},
	)
	puller, err := client.NewClient(t.Context(), "p", option.WithEndpoint(server.Addr()), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = puller.Close() })
	topics := topics(t, server)
	publish(t, topics, 7)
	ctx, stop := context.WithCancel(t.Context())
	err = puller.Subscriber("stage").Receive(ctx, func(_ context.Context, message *client.Message) {
		if message.Attributes["record"] != "7" {
			t.Errorf("pulled %+v", message)
		}
		message.Ack()
		stop()
	})
	if err != nil {
		t.Error(err)
	}
	kept := server.Kept()
	if err := topics.Publish(t.Context(), "unused", claim(8)); err != nil {
		t.Error(err)
	}
	if err := topics.Publish(t.Context(), "unknown", claim(8)); err == nil {
		t.Error("published to a topic that does not exist")
	}
	if server.Kept() != kept {
		t.Error("kept a message without a subscription")
	}
	if _, err := pubsub.Start(t.Context(), pubsub.Options{
		Project: "p",
		Now:     time.Now,
		Subscriptions: []pubsub.Subscription{
			{Name: "a", Topic: "t"}, {Name: "b", Topic: "t"},
		},
	}); err == nil {
		t.Error("two subscriptions of one topic are taken")
	}
	subscription, err := puller.SubscriptionAdminClient.GetSubscription(
		t.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: "projects/p/subscriptions/stage"},
	)
	if err != nil || subscription.GetAckDeadlineSeconds() != 600 {
		t.Errorf("%v, %v", subscription, err)
	}
}

// TestClose is not parallel: it looks at the goroutines of the process.
func TestClose(t *testing.T) { //nolint:paralleltest // see above
	entered := make(chan struct{}, 100)
	url := handler(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // else the server does not see the connection break
		entered <- struct{}{}
		<-r.Context().Done()
	})
	server, err := pubsub.Start(context.Background(), pubsub.Options{
		Project:       "p",
		Now:           time.Now,
		Concurrency:   2,
		Chaos:         pubsub.Chaos{Delay: 0.5, UpTo: time.Hour},
		Subscriptions: []pubsub.Subscription{{Name: "stage", Topic: "stage", PushURL: url}},
	})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, topics(t, server), 1, 2, 3, 4, 5, 6, 7, 8)
	wait(t, entered)
	server.Close()
	var stacks bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&stacks, 2)
	for stack := range strings.SplitSeq(stacks.String(), "\n\n") {
		if strings.Contains(stack, "localcloud/pubsub.(") {
			t.Errorf("left behind:\n%s", stack)
		}
	}
}

// TestMany: what was delivered leaves nothing behind.
func TestMany(t *testing.T) {
	t.Parallel()
	const n = 2000
	url := handler(t, func(http.ResponseWriter, *http.Request) {})
	server := start(
		t,
		pubsub.Options{Subscriptions: []pubsub.Subscription{{
			Name:    "stage",
			Topic:   "stage",
			PushURL: url,
		}}},
	)
	topics := topics(t, server)
	for i := range int64(n) {
		publish(t, topics, i+1)
	}
	until(t, server, "stage", func(s pubsub.Stats) bool {
		return s == pubsub.Stats{Acknowledged: n}
	})
	if server.Kept() != 0 {
		t.Errorf("%d messages are kept", server.Kept())
	}
}
