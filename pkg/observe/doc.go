// Package observe is how the product is seen from outside: log lines that Cloud Logging and Error
// Reporting read as their own, traces that follow a record, and the metrics that both of them feed.
//
// A line is made by the caller's [slog.Logger], which [Logger] makes; what work the line belongs to is
// taken from the context, where [With] and [WithSlice] put it. An event that is counted is a line with an
// attribute that a function of log_events.go returns, such as [Failed] or [Gap]. In the cloud, Terraform's
// log-based metrics count these lines; on one machine, [Metrics] counts the same lines for Prometheus. So
// there is one list of what is counted, and no exporter of metrics in a process that may be frozen after its
// answer.
//
// It knows words and formats. It knows no Google client but the exporter of traces, no environment and
// no clock but the one that slog stamps lines with. Secrets are removed from every
// line, whatever package wrote it. Start with [Logger].
package observe
