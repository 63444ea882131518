package terraform_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nvr-miem/merger/pkg/store"
)

// projectRoles are the only roles that are granted on the whole project, with the reason of each.
var projectRoles = map[string]string{
	"roles/cloudsql.client":       "exists only on the project; a condition restricts it to our instance",
	"roles/cloudsql.instanceUser": "the same",
	"roles/cloudtrace.agent":      "spans belong to a project; the role can only write them",
}

// buildRoles are roles of the builds only.
var buildRoles = map[string]string{
	"roles/logging.logWriter": "its own log",
	"roles/run.viewer":        "waits for the project's operations and executions",
}

func TestRolesOnTheProject(t *testing.T) {
	t.Parallel()
	p := small(t)
	members := p.of("google_project_iam_member")
	if len(members) == 0 {
		t.Error("the plan grants no role on the project: is it complete?")
	}
	for _, r := range members {
		role, _ := r.value("role").(string)
		switch {
		case projectRoles[role] != "":
		case buildRoles[role] != "" && (strings.Contains(r.Address, "build") || strings.Contains(r.Address, "deploy")):
		default:
			t.Errorf("%s: %s on the whole project", r.Address, role)
		}
		if strings.HasPrefix(role, "roles/cloudsql.") && r.value("condition") == nil {
			t.Errorf("%s: reaches every database of the project", r.Address)
		}
	}
}

// TestSigningRights checks that a component signs for itself only, and that the doctor signs for
// the same components.
func TestSigningRights(t *testing.T) {
	t.Parallel()
	itself, doctor := []string{}, []string{}
	for _, r := range small(t).of("google_service_account_iam_member") {
		if r.value("role") != "roles/iam.serviceAccountTokenCreator" {
			continue
		}
		name, key, _ := strings.Cut(r.Address, "[")
		switch name {
		case "google_service_account_iam_member.signs_for_itself":
			itself = append(itself, key)
		case "google_service_account_iam_member.doctor_signs":
			doctor = append(doctor, key)
		default:
			t.Errorf("%s: signs for another account", r.Address)
		}
	}
	slices.Sort(itself)
	slices.Sort(doctor)
	if len(itself) == 0 || !slices.Equal(itself, doctor) {
		t.Errorf("components that sign: %v; the doctor signs for %v", itself, doctor)
	}
}

// TestBuildsCannotBecomeOthers checks that the build that runs tests becomes no account, and that the one that deploys
// becomes only what it deploys: neither doctor, which signs for four others, nor the first build.
func TestBuildsCannotBecomeOthers(t *testing.T) {
	t.Parallel()
	p := small(t)
	deploys := []string{}
	for _, r := range p.of("google_cloud_run_v2_service_iam_member", "google_cloud_run_v2_job_iam_member") {
		if name, key, _ := strings.Cut(r.Address, ".deploy["); key != "" && !strings.Contains(name, "module.") {
			deploys = append(deploys, strings.Trim(key, `"]`))
			if r.value("role") != "roles/run.developer" {
				t.Errorf("%s: %v", r.Address, r.value("role"))
			}
		}
		if r.value("role") == "roles/run.developer" && !strings.Contains(r.Address, ".deploy[") {
			t.Errorf("%s may deploy", r.Address)
		}
	}
	becomes := []string{}
	for _, r := range p.of("google_service_account_iam_member") {
		if r.value("role") == "roles/iam.serviceAccountTokenCreator" {
			continue // see TestSigningRights
		}
		name, key, _ := strings.Cut(r.Address, "[")
		if name != "google_service_account_iam_member.deploy" {
			t.Errorf("%s: %v", r.Address, r.value("role"))
		}
		becomes = append(becomes, strings.Trim(key, `"]`))
	}
	slices.Sort(deploys)
	slices.Sort(becomes)
	want := []string{}
	for _, r := range p.of("google_cloud_run_v2_service", "google_cloud_run_v2_job") {
		if name, _ := r.value("name").(string); name != "doctor" {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	if !slices.Equal(deploys, want) || !slices.Equal(becomes, want) {
		t.Errorf("it deploys %v and becomes %v, want %v", deploys, becomes, want)
	}
	for _, r := range p.of("google_cloudbuild_trigger") {
		file, path := r.value("filename"), r.value("git_file_source", "path")
		switch {
		case r.value("name") == "build" && file == "cloudbuild.yaml":
		case r.value("name") == "deploy" && path == "cloudbuild.deploy.yaml":
		default:
			t.Errorf("%s runs %v %v", r.Address, file, path)
		}
	}
}

// TestDatabaseAndNetworkAreHardened checks the flags that keep a client from files and from the names of other
// databases, and that the network's connections are logged.
func TestDatabaseAndNetworkAreHardened(t *testing.T) {
	t.Parallel()
	p := small(t)
	flags := map[any]any{}
	list, _ := p.of("google_sql_database_instance")[0].value("settings", "database_flags").([]any)
	for _, entry := range list {
		flag, _ := entry.(map[string]any)
		flags[flag["name"]] = flag["value"]
	}
	if flags["local_infile"] != "off" || flags["skip_show_database"] != "on" {
		t.Errorf("flags of the database: %v", flags)
	}
	subnets := p.of("google_compute_subnetwork")
	for _, r := range subnets {
		if r.value("log_config", "metadata") != "INCLUDE_ALL_METADATA" {
			t.Errorf("%s has no flow logs", r.Address)
		}
	}
	if len(subnets) != 1 {
		t.Errorf("%d subnets", len(subnets))
	}
}

// TestNoPrimitiveRoles checks that no member gets a primitive role or one that can grant rights, on
// any resource.
func TestNoPrimitiveRoles(t *testing.T) {
	t.Parallel()
	tooMuch := regexp.MustCompile(`^roles/(owner|editor|viewer|browser|.*[aA]dmin|.*Owner)$`)
	for _, r := range small(t).Changes {
		r.texts(func(text string) {
			if tooMuch.MatchString(text) {
				t.Errorf("%s: %s", r.Address, text)
			}
		})
	}
}

// TestRightsAreMembersOnly checks that no resource removes rights of others, reaches beyond the
// project, defines roles, uses access lists in place of IAM, or creates keys.
func TestRightsAreMembersOnly(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`_iam_(binding|policy)$|_custom_role$|_acl$|_access_control$|_key$` +
		`|^google_(organization|folder|billing_account)_iam_`)
	for _, r := range small(t).Changes {
		permissions, _ := r.value("permissions").([]any)
		if r.Address == "google_project_iam_custom_role.keeper" && slices.Equal(permissions, []any{"storage.objects.update"}) {
			continue // narrower than each of Google's roles that includes the permission
		}
		if forbidden.MatchString(r.Type) {
			t.Errorf("%s: a %s", r.Address, r.Type)
		}
	}
}

func TestOnlyTheAPIIsPublic(t *testing.T) {
	t.Parallel()
	p := small(t)
	for _, r := range p.Changes {
		r.texts(func(text string) {
			everyone := text == "allUsers" || text == "allAuthenticatedUsers"
			if everyone && !strings.HasPrefix(r.Address, "module.api.") {
				t.Errorf("%s: %s", r.Address, text)
			}
		})
	}
	open := map[string]bool{}
	for _, r := range p.of("google_cloud_run_v2_service") {
		name, _ := r.value("name").(string)
		ingress := r.value("ingress")
		if r.value("invoker_iam_disabled") == true {
			open[name] = true
		}
		switch name {
		case "api":
		case "form":
			if r.value("iap_enabled") != true {
				t.Error("the form does not require a sign-in")
			}
		default:
			if ingress != "INGRESS_TRAFFIC_INTERNAL_ONLY" {
				t.Errorf("%s: %v", r.Address, ingress)
			}
		}
	}
	if len(open) != 1 || !open["api"] {
		t.Errorf("public services: %v", open)
	}
}

func TestNothingHasAPublicAddress(t *testing.T) {
	t.Parallel()
	p := small(t)
	databases := p.of("google_sql_database_instance")
	if len(databases) != 1 {
		t.Fatalf("%d databases", len(databases))
	}
	for _, r := range databases {
		if r.value("settings", "ip_configuration", "ipv4_enabled") != false {
			t.Errorf("%s: has a public address", r.Address)
		}
		if list, _ := r.value("settings", "ip_configuration", "authorized_networks").([]any); len(list) > 0 {
			t.Errorf("%s: authorizes networks", r.Address)
		}
	}
	for _, r := range p.of("google_compute_address", "google_compute_global_address") {
		if r.value("address_type") != "INTERNAL" {
			t.Errorf("%s: is a public address", r.Address)
		}
	}
	unexpected := p.of(
		"google_compute_instance",
		"google_compute_router_nat",
		"google_compute_global_forwarding_rule",
	)
	for _, r := range unexpected {
		t.Errorf("%s: unexpected resource", r.Address)
	}
}

func TestBucketsArePrivate(t *testing.T) {
	t.Parallel()
	buckets := small(t).of("google_storage_bucket")
	if len(buckets) != 2 {
		t.Errorf("%d buckets", len(buckets))
	}
	for _, r := range buckets {
		if r.value("uniform_bucket_level_access") != true || r.value("public_access_prevention") != "enforced" {
			t.Errorf("%s: not private", r.Address)
		}
	}
}

// TestDeadlines checks that the function's deadline is before its service's, and that before
// Pub/Sub's.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	p := small(t)
	for _, r := range p.of("google_cloud_run_v2_service") {
		own, service := environment(r)["PUSH_TIMEOUT"], r.value("template", "timeout")
		if own != "570s" || service != "580s" {
			t.Errorf("%s: %v, %v", r.Address, own, service)
		}
	}
	subscriptions := p.of("google_pubsub_subscription")
	if len(subscriptions) != 5 {
		t.Errorf("%d subscriptions", len(subscriptions))
	}
	for _, r := range subscriptions {
		if deadline := r.value("ack_deadline_seconds"); deadline != 600.0 {
			t.Errorf("%s: deadline %v", r.Address, deadline)
		}
		shortest, longest := r.value("retry_policy", "minimum_backoff"), r.value("retry_policy", "maximum_backoff")
		if shortest != "10s" || longest != "600s" {
			t.Errorf("%s: back-off from %v to %v", r.Address, shortest, longest)
		}
		attempts := r.value("dead_letter_policy", "max_delivery_attempts")
		if last := r.value("name") == "fail"; last != (attempts == nil) || !last && attempts != 20.0 {
			t.Errorf("%s: given up after %v", r.Address, attempts)
		}
		if r.value("push_config", "oidc_token") == nil || r.value("expiration_policy", "ttl") != "" {
			t.Errorf("%s: no identity, or it expires", r.Address)
		}
	}
}

// TestStartsWaitForTheDatabase checks that Cloud Run waits longer for a service than the service waits for its
// first connection to the database, and starts a failed task again. The longest probe is 240 s.
func TestStartsWaitForTheDatabase(t *testing.T) {
	t.Parallel()
	p := small(t)
	lastTry := 20.0 // seconds
	for _, r := range p.of("google_cloud_run_v2_service") {
		probe := []string{"template", "containers", "startup_probe"}
		period, _ := r.value(append(probe, "period_seconds")...).(float64)
		failures, _ := r.value(append(probe, "failure_threshold")...).(float64)
		if start := period * failures; start < store.DefaultPatience.Seconds()+lastTry || start > 240 {
			t.Errorf("%s: may take %v s to start", r.Address, start)
		}
	}
	for _, r := range p.of("google_cloud_run_v2_job") {
		if retries, _ := r.value("template", "template", "max_retries").(float64); retries < 3 {
			t.Errorf("%s: %v retries", r.Address, retries)
		}
	}
}

// TestStreamsLeaveRoomForRequests checks that open streams do not fill the instances of the form and the API.
// Each page that follows a record holds a request open.
func TestStreamsLeaveRoomForRequests(t *testing.T) {
	t.Parallel()
	for _, r := range small(t).of("google_cloud_run_v2_service") {
		name := r.value("name")
		at, _ := r.value("template", "max_instance_request_concurrency").(float64)
		if (name == "form" || name == "api") && at < 250 {
			t.Errorf("%s: %v requests an instance", r.Address, at)
		}
	}
}

// TestOneImageByDigest checks that all services and jobs run an image by digest.
func TestOneImageByDigest(t *testing.T) {
	t.Parallel()
	byDigest := regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)
	for _, r := range small(t).of("google_cloud_run_v2_service", "google_cloud_run_v2_job") {
		path := []string{"template", "containers"}
		if r.Type == "google_cloud_run_v2_job" {
			path = []string{"template", "template", "containers"}
		}
		if text, _ := r.value(append(path, "image")...).(string); !byDigest.MatchString(text) {
			t.Errorf("%s: %s", r.Address, text)
		}
	}
}

// TestNoJobSetsParallelism checks that no job sets parallelism. Cloud Run refuses one above the
// number of tasks of an execution, and executions can have a single task.
func TestNoJobSetsParallelism(t *testing.T) {
	t.Parallel()
	jobs := small(t).of("google_cloud_run_v2_job")
	if len(jobs) != 4 {
		t.Errorf("%d jobs", len(jobs))
	}
	for _, r := range jobs {
		if n := r.value("template", "parallelism"); n != nil {
			t.Errorf("%s: parallelism %v", r.Address, n)
		}
	}
}

// environment returns the variables of a service or a job.
func environment(r resource) map[string]any {
	list, _ := r.value("template", "containers", "env").([]any)
	if r.Type == "google_cloud_run_v2_job" {
		list, _ = r.value("template", "template", "containers", "env").([]any)
	}
	found := map[string]any{}
	for _, entry := range list {
		fields, _ := entry.(map[string]any)
		name, _ := fields["name"].(string)
		found[name] = fields["value"]
	}
	return found
}

// TestDecodersReachGoogleOnly checks the network of stage and merge, which decode footage: all their
// connections use it, and it lets them reach Google's APIs and the database only.
func TestDecodersReachGoogleOnly(t *testing.T) {
	t.Parallel()
	p := small(t)
	decoders := map[string]bool{
		"module.stage.google_cloud_run_v2_service.this": true,
		"module.merge.google_cloud_run_v2_job.this":     true,
	}
	found := 0
	for _, r := range p.of("google_cloud_run_v2_service", "google_cloud_run_v2_job") {
		access := []string{"template", "vpc_access"}
		if strings.Contains(r.Address, "_job.") {
			access = []string{"template", "template", "vpc_access"}
		}
		egress, tag := "PRIVATE_RANGES_ONLY", any(nil)
		if decoders[r.Address] {
			found++
			egress, tag = "ALL_TRAFFIC", "nvr-closed"
		}
		if got := r.value(append(access, "egress")...); got != egress {
			t.Errorf("%s: egress %v, want %s", r.Address, got, egress)
		}
		var got any
		if tags, _ := r.value(append(access, "network_interfaces", "tags")...).([]any); len(tags) == 1 {
			got = tags[0]
		}
		if got != tag {
			t.Errorf("%s: tag %v, want %v", r.Address, got, tag)
		}
	}
	if found != len(decoders) {
		t.Errorf("%d of %d components that decode footage", found, len(decoders))
	}
	want := map[string]string{
		`google_compute_firewall.closed["google"]`:   "443",
		`google_compute_firewall.closed["database"]`: "3307",
		"google_compute_firewall.closed_to_all":      "", // all others are refused
	}
	for _, r := range p.of("google_compute_firewall") {
		port, known := want[r.Address]
		if !known {
			t.Errorf("%s opens the network", r.Address)
		}
		delete(want, r.Address)
		tags, _ := r.value("target_tags").([]any)
		if r.value("direction") != "EGRESS" || len(tags) != 1 || tags[0] != "nvr-closed" {
			t.Errorf("%s: %v, %v", r.Address, r.value("direction"), tags)
		}
		if port == "" {
			if r.value("deny", "protocol") != "all" || r.value("priority") != 65000.0 {
				t.Errorf("%s does not refuse the rest", r.Address)
			}
			continue
		}
		ports, _ := r.value("allow", "ports").([]any)
		if len(ports) != 1 || ports[0] != port || r.value("priority") != 1000.0 {
			t.Errorf("%s: ports %v, want %s", r.Address, ports, port)
		}
	}
	if len(want) > 0 {
		t.Errorf("not in the plan: %v", want)
	}
}
