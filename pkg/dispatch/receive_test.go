package dispatch_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/nvr-miem/merger/pkg/dispatch"
	"github.com/nvr-miem/merger/pkg/nvr"
)

// envelope wraps data as Pub/Sub does.
func envelope(t testing.TB, data string, attributes map[string]string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"message": map[string]any{
			"data": []byte(data), "attributes": attributes, "messageId": "17", "message_id": "17",
			"publishTime": "2026-11-20T12:00:00Z", "publish_time": "2026-11-20T12:00:00Z",
		},
		"subscription": "projects/p/subscriptions/stage", "deliveryAttempt": 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func receive(body io.Reader) (dispatch.Message, error) {
	return dispatch.Receive(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", body))
}

func TestReceive(t *testing.T) {
	t.Parallel()
	got, err := receive(strings.NewReader(envelope(
		t,
		`{"record":7,"attempt":2,"turn":1,"step":"stage"}`,
		map[string]string{"record": "7"},
	)))
	if err != nil {
		t.Fatal(err)
	}
	if want := (nvr.Claim{
		Record:       7,
		Attempt:      2,
		Continuation: 1,
		Step:         nvr.StepStage,
	}); got.Claim != want {
		t.Errorf("claim %+v, want %+v", got.Claim, want)
	}
	if got.ID != "17" || got.Delivery != 3 || got.Subscription != "projects/p/subscriptions/stage" || got.Dead != nil {
		t.Errorf("message %+v", got)
	}
}

func TestReceiveDeadLetter(t *testing.T) {
	t.Parallel()
	got, err := receive(strings.NewReader(envelope(t, `{"record":7,"attempt":2,"turn":0,"step":"upload"}`, map[string]string{
		"CloudPubSubDeadLetterSourceSubscription":        "upload",
		"CloudPubSubDeadLetterSourceSubscriptionProject": "p",
		"CloudPubSubDeadLetterSourceDeliveryCount":       "20",
		"CloudPubSubDeadLetterSourceTopicPublishTime":    "2026-11-20T12:00:00.123+00:00",
	})))
	if err != nil {
		t.Fatal(err)
	}
	want := dispatch.Dead{
		Subscription: "upload",
		Project:      "p",
		Deliveries:   20,
		Published:    time.Date(2026, 11, 20, 12, 0, 0, 123e6, time.UTC),
	}
	if got.Dead == nil || !got.Dead.Published.Equal(want.Published) {
		t.Fatalf("dead %+v", got.Dead)
	}
	want.Published = got.Dead.Published
	if *got.Dead != want {
		t.Errorf("dead %+v, want %+v", *got.Dead, want)
	}
}

func TestReceiveMalformed(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"empty":           "",
		"not JSON":        "{",
		"no message":      `{"subscription":"s"}`,
		"no data":         `{"message":{}}`,
		"not base64":      `{"message":{"data":"?"}}`,
		"null":            envelope(t, `null`, nil),
		"a list":          envelope(t, `[1]`, nil),
		"a missing field": envelope(t, `{"record":7,"attempt":2,"step":"stage"}`, nil),
		"an unknown field": envelope(
			t,
			`{"record":7,"attempt":2,"turn":0,"step":"stage","room":"504"}`,
			nil,
		),
		"another case": envelope(t, `{"Record":7,"attempt":2,"turn":0,"step":"stage"}`, nil),
		"a field twice": envelope(
			t,
			`{"record":7,"record":8,"attempt":2,"turn":0,"step":"stage"}`,
			nil,
		),
		"a string":   envelope(t, `{"record":"7","attempt":2,"turn":0,"step":"stage"}`, nil),
		"a fraction": envelope(t, `{"record":7.5,"attempt":2,"turn":0,"step":"stage"}`, nil),
		"no record":  envelope(t, `{"record":0,"attempt":2,"turn":0,"step":"stage"}`, nil),
		"an end":     envelope(t, `{"record":7,"attempt":2,"turn":0,"step":"done"}`, nil),
		"two claims": envelope(t, `{"record":7,"attempt":2,"turn":0,"step":"stage"}{}`, nil),
		"cut off":    envelope(t, `{"record":7,"attempt":2,"turn":0,"step":"stage"`, nil),
		"too large": envelope(
			t,
			`{"record":7,"attempt":2,"turn":0,"step":"stage"}`,
			map[string]string{"a": strings.Repeat("x", 300<<10)},
		),
	} {
		_, err := receive(strings.NewReader(body))
		if malformed := (*dispatch.Malformed)(nil); !errors.As(err, &malformed) {
			t.Errorf("%s: %v, want malformed", name, err)
		}
	}
	_, err := receive(iotest.ErrReader(errors.New("reset by peer")))
	if malformed := (*dispatch.Malformed)(nil); err == nil || errors.As(err, &malformed) {
		t.Errorf("a broken connection: %v, want an error that is not malformed", err)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(envelope(
		f,
		`{"record":7,"attempt":2,"turn":1,"step":"stage"}`,
		map[string]string{"CloudPubSubDeadLetterSourceSubscription": "s"},
	))
	f.Add(envelope(f, `{"record":7,"attempt":2}`, nil))
	f.Add(`{"message":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		got, err := receive(strings.NewReader(body))
		if malformed := (*dispatch.Malformed)(nil); err != nil && !errors.As(err, &malformed) {
			t.Fatalf("%v is not a malformed push", err)
		}
		if err == nil && (got.Claim.Record <= 0 || got.Claim.Attempt < 0 || got.Claim.Continuation < 0 || !got.Claim.Step.Working()) {
			t.Fatalf("took %+v for a claim", got.Claim)
		}
	})
}
