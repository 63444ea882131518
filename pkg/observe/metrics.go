package observe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metric is how one field of an event is counted. terraform/metrics.json has the same list.
type Metric struct {
	Name   string   `json:"name"`
	Events []string `json:"events"`
	Kind   Kind     `json:"kind"`
	Value  string   `json:"value,omitempty"`  // the field that is measured or added up; empty: lines are counted
	Labels []string `json:"labels,omitempty"` // the fields that tell series apart
	Help   string   `json:"help"`
}

// Kind is what becomes of the values.
type Kind string

// The kinds.
const (
	Counter Kind = "counter" // lines, or the sum of a field
	Gauge   Kind = "gauge"   // the latest value; in the cloud, where lines are all there is, a distribution of one value
	Spread  Kind = "spread"  // a distribution
)

// prefix of the names for Prometheus, which wants one.
const prefix = "nvr_"

// Table lists every metric.
func Table() []Metric {
	return []Metric{
		{"outcomes", []string{EventDelivered, EventFailed}, Counter, "", []string{"promise"}, "Records that ended. promise=kept: delivered within 4 hours."},
		{"delivery_delay", []string{EventDelivered}, Spread, "delay_seconds", nil, "Seconds from a record's end, or from a later request, to its delivery."},
		{"failed", []string{EventFailed}, Counter, "", []string{"kind", "step", "record"}, "Failed records, by kind of cause and by record."},
		{"gaps", []string{EventGap}, Counter, "", []string{"room", "role"}, "Gaps in merges."},
		{"gap_seconds", []string{EventGap}, Counter, "seconds", []string{"room", "role"}, "Missing seconds of a source in merges."},
		{"canvas_days", []string{EventCanvas}, Counter, "", []string{"room"}, "Days on which a room's encoder sent only its idle screen."},
		{"queue_waiting", []string{EventQueue}, Gauge, "waiting", nil, "Records in the queue."},
		{"queue_oldest", []string{EventQueue}, Gauge, "oldest_seconds", nil, "Seconds that the oldest due record has waited."},
		{"queue_working", []string{EventQueue}, Gauge, "working", nil, "Records at work."},
		{"queue_overdue", []string{EventQueue}, Gauge, "overdue", nil, "Records not delivered within 4 hours of their end, or of a later request."},
		{"merged_minutes", []string{EventMerged}, Counter, "minutes", nil, "Minutes of finished video."},
		{"merge_core_minutes", []string{EventMerged}, Counter, "core_minutes", nil, "Core minutes of finished merges."},
		{"api_errors", []string{EventAPIError}, Counter, "", []string{"api", "method", "status"}, "Calls to Google that failed after all retries."},
		{"retries", []string{EventRetry}, Counter, "", []string{"api", "method"}, "Retried calls and steps."},
		{"takeovers", []string{EventTakeover}, Counter, "", []string{"from"}, "Records taken over after their lease expired."},
		{"channel_left", []string{EventChannel}, Gauge, "left_seconds", []string{"room"}, "Seconds until a room's notification channel expires."},
		{"unreadable", []string{EventUnreadable}, Counter, "", nil, "Messages that could not be read."},
		{"dead_letters", []string{EventDeadLetter}, Counter, "", []string{"subscription"}, "Messages that Pub/Sub gave up."},
		{"videos_differ", []string{EventDiffers}, Counter, "", []string{"record"}, "Delivered videos that are not on Drive as they were uploaded."},
		{"videos_compared", []string{EventVerified}, Counter, "compared", nil, "Delivered videos that were compared with Drive."},
	}
}

// Metrics counts the events of log lines for Prometheus.
type Metrics struct {
	registry *prometheus.Registry
	byEvent  map[string][]func(fields map[string]any)
	mu       sync.Mutex
}

// NewMetrics makes the metrics of [Table], all at zero.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), byEvent: map[string][]func(map[string]any){}}
	for _, metric := range Table() {
		add := m.register(metric)
		for _, event := range metric.Events {
			m.byEvent[event] = append(m.byEvent[event], add)
		}
	}
	return m
}

// register makes the collector of one metric and returns what counts a line in it.
func (m *Metrics) register(metric Metric) func(map[string]any) {
	name := prefix + metric.Name
	labels := func(fields map[string]any) []string {
		values := make([]string, len(metric.Labels))
		for i, label := range metric.Labels {
			values[i] = text(fields[label])
		}
		return values
	}
	switch metric.Kind {
	case Gauge:
		vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: metric.Help}, metric.Labels)
		m.registry.MustRegister(vec)
		if len(metric.Labels) == 0 {
			vec.WithLabelValues()
		}
		return func(fields map[string]any) { vec.WithLabelValues(labels(fields)...).Set(number(fields[metric.Value])) }
	case Spread:
		vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: metric.Help, Buckets: hours()}, metric.Labels)
		m.registry.MustRegister(vec)
		vec.WithLabelValues(make([]string, len(metric.Labels))...)
		return func(fields map[string]any) {
			vec.WithLabelValues(labels(fields)...).Observe(number(fields[metric.Value]))
		}
	case Counter:
	}
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name + "_total", Help: metric.Help}, metric.Labels)
	m.registry.MustRegister(vec)
	vec.WithLabelValues(make([]string, len(metric.Labels))...) // a label without a value is none: the metric is there, at 0
	return func(fields map[string]any) {
		by := 1.0
		if metric.Value != "" {
			by = max(0, number(fields[metric.Value]))
		}
		vec.WithLabelValues(labels(fields)...).Add(by)
	}
}

// hours are the bounds of a distribution, in seconds; [InTime] is one, so that what kept the promise can be read off.
func hours() []float64 {
	bounds := []float64{0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 24, 48}
	for i := range bounds {
		bounds[i] *= time.Hour.Seconds()
	}
	return bounds
}

// Writer passes log lines on and counts the events in them: give it to [Logger], or to a child process
// as its standard output. Pieces of a line are put together again; each Writer is for one stream.
func (m *Metrics) Writer(w io.Writer) io.Writer { return &counted{to: w, metrics: m} }

// Handler serves the metrics to Prometheus, with more of the caller's own beside them.
func (m *Metrics) Handler(more ...prometheus.Gatherer) http.Handler {
	return promhttp.HandlerFor(append(prometheus.Gatherers{m.registry}, more...), promhttp.HandlerOpts{})
}

// Register adds a collector, for what is asked for at the time of a scrape.
func (m *Metrics) Register(c prometheus.Collector) error {
	if err := m.registry.Register(c); err != nil {
		return fmt.Errorf("register a metric: %w", err)
	}
	return nil
}

func (m *Metrics) count(line []byte) {
	if !bytes.Contains(line, []byte(`"event":`)) {
		return
	}
	var fields map[string]any
	if json.Unmarshal(line, &fields) != nil {
		return // not a line of [Logger]
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, add := range m.byEvent[text(fields["event"])] {
		add(fields)
	}
}

// longestLine bounds what is kept of a stream that never ends its line.
const longestLine = 1 << 20

type counted struct {
	to      io.Writer
	metrics *Metrics
	mu      sync.Mutex
	rest    []byte
}

// Write implements [io.Writer].
func (c *counted) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rest = append(c.rest, p...)
	for {
		line, after, whole := bytes.Cut(c.rest, []byte{'\n'})
		if !whole {
			break
		}
		c.metrics.count(line)
		c.rest = after
	}
	if len(c.rest) > longestLine {
		c.rest = nil
	}
	n, err := c.to.Write(p)
	if err != nil {
		return n, fmt.Errorf("pass a log line on: %w", err)
	}
	return n, nil
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func number(v any) float64 {
	n, _ := v.(float64)
	return n
}
