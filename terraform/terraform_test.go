// Package terraform_test plans both examples, and checks the plans against the rules of the
// deployment and against the deployed code.
package terraform_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// plan is the part of `terraform show -json` that the tests read.
type plan struct {
	Changes []resource                     `json:"resource_changes"`
	Outputs map[string]struct{ After any } `json:"output_changes"`
}

type resource struct {
	Address string
	Type    string
	Change  struct{ After map[string]any }
}

// image is in place of an image that the build has pushed.
const image = "europe-west1-docker.pkg.dev/p/nvr-merger/merger" +
	"@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// all enables what the examples leave disabled, so that the plan has every resource.
const all = `
image      = "` + image + `"
region     = "europe-west1"
repository = "projects/p/locations/europe-west1/connections/c/repositories/r"
webhook    = "https://example.org/hook"
smtp       = { url = "smtp://merger@mail.example.org:587", from = "merger@example.org" }
zulip      = "https://bot@zulip.example.org/"
`

var smallPlan = sync.OnceValues(func() (*plan, error) { return makePlan("small") })

// small returns the plan of the small example with everything enabled.
func small(t *testing.T) *plan {
	t.Helper()
	p, err := smallPlan()
	var missing *missingError
	if errors.As(err, &missing) {
		t.Skip(missing.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// missingError reports that this machine cannot make a plan.
type missingError struct{ what string }

func (e *missingError) Error() string { return e.what }

// makePlan plans an example in a copy of the folder, with a state of its own.
func makePlan(example string) (*plan, error) {
	if _, err := exec.LookPath("terraform"); err != nil {
		return nil, &missingError{"terraform is not installed"}
	}
	dir, err := os.MkdirTemp("", "terraform")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.CopyFS(dir, sources{os.DirFS(".")}); err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"local_override.tf": "terraform {\n  backend \"local\" {}\n}\n", "all.auto.tfvars": all,
		// Nothing is asked of Google: a token that is none is enough.
		"provider_override.tf": "provider \"google\" {\n  access_token = \"none\"\n}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	env, err := providers(dir)
	if err != nil {
		return nil, err
	}
	if out, err := terraform(dir, env, "init", "-input=false", "-no-color"); err != nil {
		return nil, &missingError{"terraform cannot get its providers here: " + out}
	}
	command := []string{"plan", "-input=false", "-no-color", "-refresh=false", "-lock=false", "-out=plan"}
	command = append(command, "-var-file=examples/"+example+".tfvars", "-var-file=all.auto.tfvars")
	if out, err := terraform(dir, env, command...); err != nil {
		return nil, errors.New("terraform plan: " + out)
	}
	out, err := terraform(dir, env, "show", "-json", "plan")
	if err != nil {
		return nil, errors.New("terraform show: " + out)
	}
	var p plan
	return &p, json.Unmarshal([]byte(out), &p)
}

func terraform(dir string, env []string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "terraform", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), append(env, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")...)
	out, err := command.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		out = append(out, exit.Stderr...)
	}
	return string(out), err
}

// providers makes terraform use a local mirror of its providers, if there is one: the folder of
// TERRAFORM_MIRROR, or the one that terraform-check has left in the user's cache.
func providers(dir string) ([]string, error) {
	mirror := os.Getenv("TERRAFORM_MIRROR")
	if cache, err := os.UserCacheDir(); mirror == "" && err == nil {
		mirrors := filepath.Join(cache, "terraform-check", "*", "registry.terraform.io")
		if found, _ := filepath.Glob(mirrors); len(found) > 0 {
			mirror = filepath.Dir(found[len(found)-1])
		}
	}
	if mirror == "" {
		return nil, nil // from the registry, where it can be reached
	}
	name := filepath.Join(dir, "terraformrc")
	text := "provider_installation {\n  filesystem_mirror {\n    path = \"" + mirror + "\"\n  }\n}\n"
	return []string{"TF_CLI_CONFIG_FILE=" + name}, os.WriteFile(name, []byte(text), 0o600)
}

// TestCheck runs the offline check of terraform-check if it is installed: formatting, validation,
// `terraform test`, a plan.
func TestCheck(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a minute or two")
	}
	check := os.Getenv("TERRAFORM_CHECK")
	if check == "" {
		check = "../../shared/terraform-check/check"
	}
	if _, err := os.Stat(check); err != nil {
		t.Skip("terraform-check is not here: name it with TERRAFORM_CHECK=FILE")
	}
	out, err := exec.CommandContext(t.Context(), check, ".").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestExamplesAreComplete plans the large example too, and checks that both set every variable.
func TestExamplesAreComplete(t *testing.T) {
	t.Parallel()
	names := variables(t, "variables.tf")
	for _, example := range []string{"small", "large"} {
		text := read(t, "examples/"+example+".tfvars")
		for name := range names {
			if name != "image" && !strings.Contains(text, "\n"+name+" ") {
				t.Errorf("examples/%s.tfvars does not set %s", example, name)
			}
		}
	}
	if testing.Short() {
		return
	}
	if _, err := makePlan("large"); err != nil {
		if missing := (*missingError)(nil); errors.As(err, &missing) {
			t.Skip(err.Error())
		}
		t.Error(err)
	}
}

// TestVariablesAreDescribed checks that each variable has a type, a description and a validation.
func TestVariablesAreDescribed(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"variables.tf", "function/variables.tf", "job/variables.tf"} {
		for name, block := range variables(t, file) {
			for _, want := range []string{"  description ", "  type ", "  validation {"} {
				if !strings.Contains(block, want) {
					t.Errorf("%s: variable %s has no %s", file, name, strings.Trim(want, " {"))
				}
			}
		}
	}
}

// variables returns the variable blocks of a file, by name.
func variables(t *testing.T, file string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, block := range strings.Split("\n"+read(t, file), "\nvariable \"")[1:] {
		name, rest, _ := strings.Cut(block, "\"")
		body, _, ok := strings.Cut(rest, "\n}")
		if !ok {
			t.Fatalf("%s: variable %s does not end", file, name)
		}
		found[name] = body
	}
	return found
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// of returns the plan's resources of some types.
func (p *plan) of(types ...string) []resource {
	other := func(r resource) bool { return !slices.Contains(types, r.Type) }
	return slices.DeleteFunc(slices.Clone(p.Changes), other)
}

// value returns a value of a resource by its path; in lists it takes the first element.
func (r resource) value(path ...string) any {
	var at any = r.Change.After
	for _, key := range path {
		if list, ok := at.([]any); ok {
			if len(list) == 0 {
				return nil
			}
			at = list[0]
		}
		fields, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = fields[key]
	}
	return at
}

// texts calls do for each string in a resource.
func (r resource) texts(do func(string)) {
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			do(v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(r.Change.After)
}
