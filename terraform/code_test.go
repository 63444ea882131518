package terraform_test

import (
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/nvr-miem/merger/pkg/config"
	"github.com/nvr-miem/merger/pkg/observe"
	"github.com/nvr-miem/merger/pkg/workspace"
)

// TestEnvironmentIsKnownToConfig compares the environment of services and jobs with package config.
func TestEnvironmentIsKnownToConfig(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
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
				t.Errorf("%s: package config does not read %s", r.Address, name)
			}
		}
		for _, name := range []string{"PROJECT", "DATABASE", "SEGMENTS_BUCKET", "WORK_BUCKET"} {
			if _, ok := env[name]; !ok {
				t.Errorf("%s: no %s", r.Address, name)
			}
		}
	}
	// A component that can end a record needs the notice channels, or leaves the notice to claim: without
	// either, it counts as sent.
	notices := []string{
		"WEBHOOK",
		"WEBHOOK_SECRET",
		"SMTP",
		"SMTP_FROM",
		"SMTP_PASSWORD",
		"ZULIP",
		"ZULIP_KEY",
	}
	for component, names := range map[string][]string{
		"form":     {"IAP_AUDIENCE", "OPERATORS", "OPEN_RECORDS", "REQUEST_POLICY", "DOMAINS"},
		"api":      {"RATE_LIMIT", "OPEN_RECORDS", "REQUEST_POLICY", "DOMAINS"},
		"calendar": {"DELEGATE", "CALENDAR_SUBJECT", "CALENDAR_REQUESTER", "PUBLIC_URL", "REQUEST_POLICY", "DOMAINS"},
		"claim":    append([]string{"MAX_MERGES", "MERGE_JOB"}, notices...),
		"standby":  append([]string{"MAX_MERGES", "MERGE_JOB"}, notices...),
		"stage":    {"DELEGATE", "DRIVE_SUBJECT", "MERGE_JOB", "SLICE", "MERGE_TASKS", "DEFER_NOTICES"},
		"merge":    {"DEFER_NOTICES"},
		"upload": append(
			[]string{"DELEGATE", "DRIVE_SUBJECT", "CALENDAR_SUBJECT", "SHARE_DOMAINS", "DOMAINS"},
			notices...,
		),
		"link":   append([]string{"DELEGATE", "CLASSROOM_SUBJECT", "COURSES"}, notices...),
		"fail":   notices,
		"verify": {"DELEGATE", "DRIVE_SUBJECT"},
	} {
		i := slices.IndexFunc(p.Changes, func(r resource) bool {
			module := "module." + component + ".google_cloud_run_v2_"
			return strings.HasPrefix(r.Address, module) && strings.HasSuffix(r.Address, ".this")
		})
		if i < 0 {
			t.Errorf("no %s", component)
			continue
		}
		env := environment(p.Changes[i])
		if component != "merge" && component != "verify" && env["FUNCTION_TARGET"] != component {
			t.Errorf("%s: FUNCTION_TARGET is %v", component, env["FUNCTION_TARGET"])
		}
		for _, name := range names {
			if _, ok := env[name]; !ok {
				t.Errorf("%s: no %s", component, name)
			}
		}
	}
}

// TestScopesMatchTheCode checks that the output lists exactly the scopes that the code requests.
func TestScopesMatchTheCode(t *testing.T) {
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
		"upload": workspace.UploadScopes(), "link": workspace.LinkScopes(), "verify": workspace.VerifyScopes(),
	} {
		got := strings.Split(output[who].Scopes, ",")
		slices.Sort(got)
		slices.Sort(scopes)
		if !slices.Equal(got, scopes) {
			t.Errorf("%s: Terraform lists %v, the code requests %v", who, got, scopes)
		}
	}
	if len(output) != 5 {
		t.Errorf("delegated: %v", output)
	}
}

// TestMetricsMatchTheCode compares metrics.json with package observe.
func TestMetricsMatchTheCode(t *testing.T) {
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

// builtIn lists the metrics of Google that alerts use. Add a name only after looking it up in
// Google's list.
var builtIn = []string{
	"pubsub.googleapis.com/subscription/dead_letter_message_count",
	"pubsub.googleapis.com/subscription/oldest_unacked_message_age",
	"run.googleapis.com/job/completed_execution_count",
	"run.googleapis.com/request_count",
	"logging.googleapis.com/log_entry_count",
	"cloudsql.googleapis.com/database/cpu/utilization",
	"cloudsql.googleapis.com/database/disk/bytes_used",
	"cloudsql.googleapis.com/database/network/connections",
}

// TestAlertsHaveMetricAndRunbook checks that each alert links to a heading of the runbook, and that
// the code has each metric that an alert or the dashboard names. TestServe of jobs/local checks
// that a running system feeds each of them.
func TestAlertsHaveMetricAndRunbook(t *testing.T) {
	t.Parallel()
	p := small(t)
	anchors := headings(read(t, "../docs/runbook.md"))
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
		r.texts(func(text string) {
			checkMetrics(t, r.Address, text)
		})
	}
	for _, r := range p.of("google_monitoring_slo", "google_monitoring_dashboard") {
		r.texts(func(text string) { checkMetrics(t, r.Address, text) })
	}
	for _, anchor := range anchors {
		if strings.Contains(read(t, "../docs/runbook.md"), "`alert: "+anchor+"`") && !linked[anchor] {
			t.Errorf("the runbook has a section for %s, but there is no such alert", anchor)
		}
	}
}

// TestConditionsNameTheirResource checks that each condition names its resource type once;
// Monitoring refuses others. Conditions on events that functions and the job merge both log must
// cover both.
func TestConditionsNameTheirResource(t *testing.T) {
	t.Parallel()
	both := 0
	for _, r := range small(t).of("google_monitoring_alert_policy") {
		r.texts(func(text string) {
			if strings.Contains(text, "metric.type=") && strings.Count(text, "resource.type=") != 1 {
				t.Errorf("%s: the filter does not name its resource type once: %s", r.Address, text)
			}
			logged := strings.Contains(text, "/nvr_failed") || strings.Contains(text, "/nvr_api_errors")
			if logged && strings.Contains(text, `resource.type=one_of("cloud_run_revision", "cloud_run_job")`) {
				both++
			}
		})
	}
	if both != 2 {
		t.Errorf("%d of the alerts failed and api_errors see functions and the job", both)
	}
}

// TestDashboardNeedsNoSecondApply checks that the dashboard has no zero or empty values. Monitoring
// drops them, and the next plan would add them again. It also checks that each query of our metrics
// names the resource type.
func TestDashboardNeedsNoSecondApply(t *testing.T) {
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
			metrics, resources := strings.Count(v, ":user_nvr_"), strings.Count(v, "{monitored_resource=")
			if v == "" || metrics != resources {
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
	promMetric = regexp.MustCompile(`(\w+_googleapis_com):(\w+)(\{[^}]*\})?`)
)

// checkMetrics checks that the metrics in a text exist.
func checkMetrics(t *testing.T, where, text string) {
	t.Helper()
	known := func(name string) bool {
		return slices.ContainsFunc(observe.Table(), func(m observe.Metric) bool {
			return m.Name == name
		})
	}
	for _, match := range metricType.FindAllStringSubmatch(text, -1) {
		name, user := strings.CutPrefix(match[1], "logging.googleapis.com/user/nvr_")
		if user && !known(name) || !user && !slices.Contains(builtIn, match[1]) {
			t.Errorf("%s: is %s a metric?", where, match[1])
		}
	}
	// PromQL has / and . as _, but for the first /, and distributions as their sum, count and
	// buckets.
	plain := strings.NewReplacer("/", "_", ".", "_")
	for _, match := range promMetric.FindAllStringSubmatch(text, -1) {
		domain, name, selector := match[1], match[2], match[3]
		ours, user := strings.CutPrefix(name, "user_nvr_")
		switch {
		case user:
			for _, suffix := range []string{"_sum", "_count", "_bucket"} {
				ours = strings.TrimSuffix(ours, suffix)
			}
			// A metric of log lines can be of any resource, so the query must name the type.
			if !known(ours) || !strings.Contains(selector, "monitored_resource=") {
				t.Errorf("%s: %s", where, match[0])
			}
		case !slices.ContainsFunc(builtIn, func(b string) bool {
			return plain.Replace(b) == domain+"_"+name
		}):
			t.Errorf("%s: is %s a metric?", where, match[0])
		}
	}
}

// TestBurnRates checks that each alert on the objective fires when a fixed share of the month's
// budget is spent within its long window, and that its short window is a twelfth of it.
func TestBurnRates(t *testing.T) {
	t.Parallel()
	text := read(t, "alerts.tf")
	const month = 30 * 24 * 3600
	var shares []float64
	burn := regexp.MustCompile(`long\s+= "(\d+)s", short = "(\d+)s", rate = ([\d.]+)`)
	for _, match := range burn.FindAllStringSubmatch(text, -1) {
		long, _ := strconv.ParseFloat(match[1], 64)
		short, _ := strconv.ParseFloat(match[2], 64)
		rate, _ := strconv.ParseFloat(match[3], 64)
		shares = append(shares, math.Round(rate*long/month*1e6)/1e6)
		if short*12 != long || long > 25*3600 {
			t.Errorf(
				"%s: the short window is not a twelfth, or the long one too long for an alert",
				match[0],
			)
		}
	}
	if !slices.Equal(shares, []float64{0.02, 0.05, 0.1}) {
		t.Errorf("shares of the month's budget: %v", shares)
	}
	for _, r := range small(t).of("google_monitoring_slo") {
		if r.value("goal") != 0.995 || r.value("rolling_period_days") != 30.0 {
			t.Errorf(
				"the objective is %v in %v days",
				r.value("goal"), r.value("rolling_period_days"),
			)
		}
		r.texts(func(text string) {
			both := strings.Contains(text, `"cloud_run_revision"`) && strings.Contains(text, `"cloud_run_job"`)
			if strings.Contains(text, "metric.type=") && !both {
				t.Errorf("records end in functions and in the job: %s", text)
			}
		})
	}
}

// headings returns the anchors of a page's headings, as code hosts make them.
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
