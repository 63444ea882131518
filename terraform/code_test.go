package terraform_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// TestEnvironmentIsConfigs holds every variable that a service or a job is given against package config.
func TestEnvironmentIsConfigs(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"CLOUD_RUN_TIMEOUT_SECONDS": true} // read by the functions framework
	settings := reflect.TypeFor[config.Config]()
	for i := range settings.NumField() {
		name, _, _ := strings.Cut(settings.Field(i).Tag.Get("env"), ",")
		known[name] = true
	}
	p := small(t)
	for _, r := range p.of("google_cloud_run_v2_service", "google_cloud_run_v2_job") {
		env := environment(r)
		for name := range env {
			if !known[name] {
				t.Errorf("%s: %s is read by nobody", r.Address, name)
			}
		}
		for _, name := range []string{"PROJECT", "DATABASE", "SEGMENTS_BUCKET", "WORK_BUCKET"} {
			if _, ok := env[name]; !ok {
				t.Errorf("%s: no %s", r.Address, name)
			}
		}
	}
	// Whatever can end a record has the means to tell: without any, the notice counts as sent.
	notices := []string{"FORM_URL", "WEBHOOK", "WEBHOOK_SECRET", "SMTP", "SMTP_FROM", "SMTP_PASSWORD", "ZULIP", "ZULIP_KEY"}
	for component, names := range map[string][]string{
		"form": {"IAP_AUDIENCE", "OPERATORS"}, "api": {"RATE_LIMIT"}, "calendar": {"DELEGATE", "CALENDAR_SUBJECT", "CALENDAR_REQUESTER", "PUBLIC_URL"},
		"claim": append([]string{"MAX_MERGES", "MERGE_JOB"}, notices...), "stage": append([]string{"DELEGATE", "DRIVE_SUBJECT", "MERGE_JOB", "SLICE", "MERGE_TASKS"}, notices...),
		"merge": notices, "upload": append([]string{"DELEGATE", "DRIVE_SUBJECT"}, notices...),
		"link": append([]string{"DELEGATE", "CLASSROOM_SUBJECT", "COURSES"}, notices...), "fail": notices,
	} {
		i := slices.IndexFunc(p.Changes, func(r resource) bool {
			return strings.HasPrefix(r.Address, "module."+component+".google_cloud_run_v2_") && strings.HasSuffix(r.Address, ".this")
		})
		if i < 0 {
			t.Errorf("no %s", component)
			continue
		}
		env := environment(p.Changes[i])
		if component != "merge" && env["FUNCTION_TARGET"] != component {
			t.Errorf("%s: FUNCTION_TARGET is %v", component, env["FUNCTION_TARGET"])
		}
		for _, name := range names {
			if _, ok := env[name]; !ok {
				t.Errorf("%s: no %s", component, name)
			}
		}
	}
}

// TestScopesAreThoseOfTheCode: the Admin console must be given exactly what the code asks for.
func TestScopesAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(small(t).Outputs["delegation_scopes"].After)
	if err != nil {
		t.Fatal(err)
	}
	var output map[string]struct{ Scopes string }
	if err := json.Unmarshal(text, &output); err != nil {
		t.Fatal(err)
	}
	for who, scopes := range map[string][]string{
		"calendar": workspace.CalendarScopes(), "stage": workspace.StageScopes(),
		"upload": workspace.UploadScopes(), "link": workspace.LinkScopes(),
	} {
		got := strings.Split(output[who].Scopes, ",")
		slices.Sort(got)
		slices.Sort(scopes)
		if !slices.Equal(got, scopes) {
			t.Errorf("%s: Terraform says %v, the code asks for %v", who, got, scopes)
		}
	}
	if len(output) != 4 {
		t.Errorf("delegated: %v", output)
	}
}

// TestMetricsAreTheCodes holds metrics.json against package observe.
func TestMetricsAreTheCodes(t *testing.T) {
	t.Parallel()
	var listed []observe.Metric
	if err := json.Unmarshal([]byte(read(t, "metrics.json")), &listed); err != nil {
		t.Fatal(err)
	}
	if want := observe.Table(); !reflect.DeepEqual(listed, want) {
		text, _ := json.MarshalIndent(want, "", "  ")
		t.Errorf("metrics.json is not observe.Table(), which is\n%s", text)
	}
}

// builtIn are the metrics of Google's own that alerts look at. An alert on a name that is not here is a
// slip of the pen until someone has looked it up.
var builtIn = []string{
	"pubsub.googleapis.com/subscription/dead_letter_message_count",
	"pubsub.googleapis.com/subscription/oldest_unacked_message_age",
	"run.googleapis.com/job/completed_execution_count",
	"run.googleapis.com/request_count",
	"cloudsql.googleapis.com/database/cpu/utilization",
	"cloudsql.googleapis.com/database/disk/bytes_used",
	"cloudsql.googleapis.com/database/network/connections",
}

// TestAlertsHaveTheirMetricAndTheirPage: each alert links to a heading of the runbook, and each of our
// metrics that an alert or the dashboard names is one that the code emits.
func TestAlertsHaveTheirMetricAndTheirPage(t *testing.T) {
	t.Parallel()
	p := small(t)
	anchors := headings(read(t, "../docs/runbook.md"))
	emitted := emitters(t)
	page := regexp.MustCompile(`docs/runbook\.md#([a-z0-9-]+)`)
	alerts := p.of("google_monitoring_alert_policy")
	if len(alerts) < 15 {
		t.Errorf("%d alerts", len(alerts))
	}
	linked := map[string]bool{}
	for _, r := range alerts {
		content, _ := r.value("documentation", "content").(string)
		anchor := page.FindStringSubmatch(content)
		if anchor == nil {
			t.Errorf("%s: no link to the runbook", r.Address)
			continue
		}
		linked[anchor[1]] = true
		if !slices.Contains(anchors, anchor[1]) {
			t.Errorf("%s: the runbook has no heading for #%s", r.Address, anchor[1])
		}
		r.texts(func(text string) { checkMetrics(t, r.Address, text, emitted) })
	}
	for _, r := range p.of("google_monitoring_slo", "google_monitoring_dashboard") {
		r.texts(func(text string) { checkMetrics(t, r.Address, text, emitted) })
	}
	for _, anchor := range anchors {
		if strings.Contains(read(t, "../docs/runbook.md"), "`alert: "+anchor+"`") && !linked[anchor] {
			t.Errorf("the runbook has a page for the alert %s, which is none", anchor)
		}
	}
}

// TestConditionsNameTheirResource: Monitoring refuses a condition without one type of resource, or with
// two. What functions and the job merge both write down is seen of both.
func TestConditionsNameTheirResource(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`resource\.type="([^"]+)"`)
	seen := map[string][]string{}
	for _, r := range small(t).of("google_monitoring_alert_policy") {
		conditions, _ := r.value("conditions").([]any)
		for _, condition := range conditions {
			resource{Change: struct{ After map[string]any }{condition.(map[string]any)}}.texts(func(text string) {
				if types := named.FindAllStringSubmatch(text, -1); len(types) == 1 {
					seen[r.Address] = append(seen[r.Address], types[0][1])
				} else if strings.Contains(text, "metric.type=") {
					t.Errorf("%s: %d types of resource in %s", r.Address, len(types), text)
				}
			})
		}
	}
	for _, name := range []string{"failed", "api_errors"} {
		if types := seen[`google_monitoring_alert_policy.threshold["`+name+`"]`]; !slices.Equal(types, []string{"cloud_run_revision", "cloud_run_job"}) {
			t.Errorf("the alert %s looks at %v", name, types)
		}
	}
}

// TestDashboardComesBackAsItWent: Monitoring leaves out what is zero or empty, which a second plan would
// want to put back; and a query of a metric of ours says whose lines it means, or it is refused.
func TestDashboardComesBackAsItWent(t *testing.T) {
	t.Parallel()
	text, _ := small(t).of("google_monitoring_dashboard")[0].value("dashboard_json").(string)
	var page map[string]any
	if err := json.Unmarshal([]byte(text), &page); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, e := range v {
				walk(path+"."+key, e)
			}
		case []any:
			for _, e := range v {
				walk(path, e)
			}
			if len(v) == 0 {
				t.Errorf("%s is empty", path)
			}
		case string:
			if all, said := strings.Count(v, ":user_nvr_"), strings.Count(v, "{monitored_resource="); v == "" || all != said {
				t.Errorf("%s: %q", path, v)
			}
		default:
			if v == 0.0 || v == false || v == nil {
				t.Errorf("%s is %v", path, v)
			}
		}
	}
	walk("", page)
}

var (
	metricType = regexp.MustCompile(`metric\.type="([^"]+)"`)
	promName   = regexp.MustCompile(`logging_googleapis_com:user_nvr_(\w+)`)
)

// checkMetrics looks at the metrics that a text names.
func checkMetrics(t *testing.T, where, text string, emitted map[string]bool) {
	t.Helper()
	ours := func(name string) {
		i := slices.IndexFunc(observe.Table(), func(m observe.Metric) bool { return m.Name == name })
		if i < 0 {
			t.Errorf("%s: no metric %s", where, name)
			return
		}
		for _, event := range observe.Table()[i].Events {
			if !emitted[event] {
				t.Errorf("%s: nothing emits the event %q of metric %s", where, event, name)
			}
		}
	}
	for _, match := range metricType.FindAllStringSubmatch(text, -1) {
		if name, user := strings.CutPrefix(match[1], "logging.googleapis.com/user/nvr_"); user {
			ours(name)
		} else if !slices.Contains(builtIn, match[1]) {
			t.Errorf("%s: is %s a metric?", where, match[1])
		}
	}
	for _, match := range promName.FindAllStringSubmatch(text, -1) {
		name := match[1]
		for _, suffix := range []string{"_sum", "_count", "_bucket"} {
			name = strings.TrimSuffix(name, suffix)
		}
		ours(name)
	}
}

// emitters are the events whose function in package observe something outside of it and of tests calls.
func emitters(t *testing.T) map[string]bool {
	t.Helper()
	calls := map[string]string{ // event: the function that makes its line
		observe.EventDelivered: "Delivered", observe.EventFailed: "Failed", observe.EventGap: "Gap", observe.EventCanvas: "Canvas",
		observe.EventQueue: "Queue", observe.EventMerged: "Merged", observe.EventAPIError: "APIError", observe.EventRetry: "Retry",
		observe.EventTakeover: "Takeover", observe.EventChannel: "Channel", observe.EventUnreadable: "Unreadable", observe.EventDeadLetter: "DeadLetter",
	}
	found := map[string]bool{}
	for _, root := range []string{"../pkg", "../functions", "../jobs"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "pkg/observe/") {
				return err
			}
			text, err := os.ReadFile(path)
			for event, function := range calls {
				if strings.Contains(string(text), "observe."+function+"(") {
					found[event] = true
				}
			}
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	return found
}

// headings are the anchors of a page's headings, as code hosts make them.
func headings(text string) []string {
	var anchors []string
	for line := range strings.Lines(text) {
		title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if !ok || !strings.HasPrefix(line, "#") {
			continue
		}
		anchors = append(anchors, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(title)))
	}
	return anchors
}
