package observe_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/observe"
)

func scrape(t *testing.T, m *observe.Metrics) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return answer.Body.String()
}

func TestEventsAreCounted(t *testing.T) {
	t.Parallel()
	metrics := observe.NewMetrics()
	var log bytes.Buffer
	logger := observe.Logger(metrics.Writer(&log), observe.Options{})
	logger.Info("done", observe.Delivered(time.Hour))
	logger.Info("done", observe.Delivered(5*time.Hour))
	logger.Info("queue", observe.Queue(7, time.Minute, 3, 0))
	logger.Info("queue", observe.Queue(5, time.Minute, 3, 0))
	logger.Info("hole", observe.Gap("504", "screen", 90*time.Second))
	logger.Info("no event", "event", 5)
	text := scrape(t, metrics)
	for _, want := range []string{
		`nvr_outcomes_total{promise="kept"} 1`, `nvr_outcomes_total{promise="broken"} 1`, "nvr_delivery_delay_count 2", "nvr_queue_waiting 5",
		`nvr_gap_seconds_total{role="screen",room="504"} 90`, "nvr_unreadable_total 0",
		`nvr_delivery_delay_bucket{le="14400"} 1`, `nvr_failed_total{kind="",record="",step=""} 0`, // before its first event
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	if strings.Count(log.String(), "\n") != 6 {
		t.Error("lines were not passed on")
	}
}

// TestAChildsLinesArePutTogether feeds a stream byte by byte, as a pipe may cut it.
func TestAChildsLinesArePutTogether(t *testing.T) {
	t.Parallel()
	metrics := observe.NewMetrics()
	out := metrics.Writer(io.Discard)
	for _, b := range []byte("plain text\n{\"event\":\"merged\",\"minutes\":80,\"core_minutes\":50}\n{\"event\":\"merged\",") {
		if _, err := out.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if text := scrape(t, metrics); !strings.Contains(text, "nvr_merged_minutes_total 80\n") {
		t.Error(text)
	}
}

// TestTheTableIsSound: each metric measures fields that its event has.
func TestTheTableIsSound(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, metric := range observe.Table() {
		if names[metric.Name] || metric.Help == "" || len(metric.Events) == 0 {
			t.Errorf("%+v", metric)
		}
		names[metric.Name] = true
	}
}
