// Package scripts_test runs the scripts of a release with stand-ins for the programs they call.
package scripts_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

const (
	oldImage = "r/merger@sha256:1111111111111111111111111111111111111111111111111111111111111111"
	digest   = "sha256:2222222222222222222222222222222222222222222222222222222222222222"

	// newImage is named by the sum of index and a newline.
	newImage = "r/merger@sha256:20869d152a043fe104c6c29a5cd5651576d9ee0917cd7bb60eefbb2fc3629ccf"

	// commit and tag are those of the release.
	commit = "0123456789abcdef0123456789abcdef01234567"
	tag    = commit + "-01234567-89ab-cdef-0123-456789abcdef"

	// child is the digest of the image for amd64, and index is the manifest that names it.
	child = "sha256:4444444444444444444444444444444444444444444444444444444444444444"
	index = `{
  "schemaVersion": 2,
  "manifests": [
    {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "` + child + `", "size": 1,
      "platform": {"architecture": "amd64", "os": "linux"}},
    {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:5555555555555555555555555555555555555555555555555555555555555555",
      "annotations": {"vnd.docker.reference.digest": "` + child + `"},
      "platform": {"architecture": "unknown", "os": "unknown"}}
  ]
}`
)

// running returns the answers of gcloud about services that run an image.
func running(image, ready string) string {
	return runningAs(image, image, ready)
}

// runningAs is [running] with one image in the service and another in the revision that serves.
func runningAs(image, revision, ready string) string {
	return `case "$*" in
*"status.url"*) echo https://service.example ;;
*"services describe"*latestReadyRevisionName*) printf 'v-00002-abc\t` + ready + `\n' ;;
*"services describe"*) echo '` + image + `' ;;
*"revisions describe"*) echo '` + revision + `' ;;
esac`
}

// release is the scripts of a repository beside stand-ins that record their calls.
type release struct {
	dir  string
	bin  string
	env  map[string]string
	test *testing.T
}

func newRelease(t *testing.T) *release {
	t.Helper()
	r := &release{dir: t.TempDir(), test: t}
	r.bin = filepath.Join(r.dir, "bin")
	for _, dir := range []string{"bin", "scripts", "terraform", "release"} {
		if err := os.Mkdir(filepath.Join(r.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"release", "apply", "bootstrap", "pin"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r.write("scripts/"+name, string(text))
	}
	r.write("terraform/my.tfvars", "state_bucket = \"states\"\n")
	r.write("terraform/builders.json", read(t, "../terraform/builders.json"))
	r.env = map[string]string{
		"PROJECT_ID":     "p",
		"REGION":         "r",
		"IMAGE":          "r/merger",
		"CACHE":          "r/cache:layers",
		"STATE_BUCKET":   "states",
		"VARIABLES_FILE": "terraform/my.tfvars",
		"DEPLOY_TOPIC":   "projects/p/topics/deploy",
		"COMMIT_SHA":     commit,
		"BUILD_ID":       strings.TrimPrefix(tag, commit+"-"),
		"TAG":            tag,
		"RELEASE":        filepath.Join(r.dir, "release"),
	}
	for _, name := range []string{"GCLOUD", "TERRAFORM", "DOCKER", "GO", "TRIVY"} {
		r.env[name+"_BUILDER"] = "r/builder:1@" + digest
	}
	r.program("terraform", `case "$*" in *output*) printf %s '`+oldImage+`' ;; esac`)
	r.program("gcloud", running(newImage, "True")+`
case "$*" in
*--data-file=-*) cat >/dev/null ;;
*"buckets describe"*) exit 1 ;;
*projectNumber*) echo 123456789012 ;;
*"scheduler locations list"*) printf 'europe-west1\nus-central1\n' ;;
*"run regions list"*) printf 'europe-north1\neurope-west1\n' ;;
esac`)
	r.answers(`case "$*" in *openapi*) printf 200 ;; *rooms*) printf 401 ;; *) printf 302 ;; esac`)
	r.program("docker", `case "$*" in
*imagetools*) echo `+digest+` ;;
*tesseract*) printf 'eng\nrus\n' ;;
*--metadata-file*) echo '{"containerimage.digest": "`+digest+`"}' >"$RELEASE/pushed.json" ;;
esac`)
	return r
}

func (r *release) write(name, text string) {
	r.test.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o700); err != nil {
		r.test.Fatal(err)
	}
}

// program makes a stand-in that records its arguments and then runs a script.
func (r *release) program(name, does string) {
	r.test.Helper()
	r.write("bin/"+name, fmt.Sprintf(
		"#!/bin/sh\necho \"%s $*\" >>%s/calls\n%s\n",
		name, r.dir, does,
	))
}

// answers makes a stand-in of curl that serves the index to those who ask the registry, and else runs a script.
func (r *release) answers(does string) {
	r.test.Helper()
	r.program("curl", `case "$*" in
*https://r/v2/merger/manifests/`+tag+`) echo '`+index+`' >"$RELEASE/index.json" ;;
*/v2/*) exit 22 ;;
*) `+does+` ;;
esac`)
}

func (r *release) run(script string, args ...string) (string, error) {
	command := exec.CommandContext(
		r.test.Context(),
		filepath.Join(r.dir, "scripts", script),
		args...,
	)
	command.Dir = r.dir
	command.Env = []string{"PATH=" + r.bin + ":/usr/bin:/bin"}
	for name, value := range r.env {
		command.Env = append(command.Env, name+"="+value)
	}
	out, err := command.CombinedOutput()
	return string(out), err
}

// steps runs steps of a release as Cloud Build would: it stops at the first failure.
func (r *release) steps(steps ...string) error {
	r.test.Helper()
	for _, step := range steps {
		if out, err := r.run("release", strings.Fields(step)...); err != nil {
			return fmt.Errorf("%s: %w: %s", step, err, out)
		}
	}
	return nil
}

func (r *release) calls() string {
	text, _ := os.ReadFile(filepath.Join(r.dir, "calls"))
	return string(text)
}

// all returns the steps of scripts/release in their order: those of both builds.
func all() []string { return slices.Concat(buildSteps(), deploySteps()) }

// buildSteps returns the steps of cloudbuild.yaml.
func buildSteps() []string {
	return []string{"check", "terraform", "base", "build", "try", "push", "request"}
}

// deploySteps returns the steps of cloudbuild.deploy.yaml.
func deploySteps() []string {
	return []string{
		"check-deploy",
		"image",
		"former",
		"new-job",
		"migrate",
		"attempt deploy",
		"attempt deploy-web",
		"attempt smoke",
		"attempt rollback-web",
		"rollback",
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	if err := r.steps(all()...); err != nil {
		t.Fatal(err)
	}
	calls := r.calls()
	for _, want := range []string{
		"--build-arg DEBIAN_DIGEST=" + digest,
		"--sbom=true --provenance=mode=max",
		"--tag r/merger:" + tag + " ",
		`gcloud pubsub topics publish projects/p/topics/deploy --message={"tag": "` + tag + `"}`,
		"-chdir=terraform validate",
		"gcloud run jobs execute migrate",
		"-var=image=" + newImage + " -target=module.migrate\n",
		"-target=module.stage",
		"run services update form --image=" + newImage + " ",
		"run services update api --image=" + newImage + " ",
		"-target=terraform_data.deployed",
	} {
		if !strings.Contains(calls, want) {
			t.Errorf("no %q in\n%s", want, calls)
		}
	}
	if strings.Contains(calls, "image="+oldImage) {
		t.Error("rolled back though all was well")
	}
	if strings.Count(calls, "--build-arg DAY="+time.Now().UTC().Format(time.DateOnly)) != 2 {
		t.Error("the updates of Debian are not those of this day, or not those that were looked at")
	}
	if strings.Index(calls, "jobs execute migrate") > strings.Index(calls, "-target=module.stage") {
		t.Error("deployed before the database was migrated")
	}
}

func TestBadReleaseIsRolledBack(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*release){
		"the deployment fails": func(r *release) {
			r.program("terraform", `case "$*" in
*output*) printf %s '`+oldImage+`' ;;
*apply*`+newImage+`*module.stage*) exit 1 ;;
esac`)
		},
		"the API answers nothing": func(r *release) { r.answers("printf 000; exit 7") },
		"an old revision serves": func(r *release) {
			r.program("gcloud", runningAs(newImage, oldImage, "True"))
		},
		"Cloud Run names the image otherwise": func(r *release) {
			r.program("gcloud", running("r/merger@sha256:0", "True"))
		},
		"a service does not start": func(r *release) {
			r.program("gcloud", running(newImage, "False"))
		},
		"the API lets everybody in": func(r *release) { r.answers("printf 200") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t)
			spoil(r)
			if err := r.steps(all()...); err == nil || !strings.Contains(err.Error(), oldImage+" is deployed again") {
				t.Errorf("%v", err)
			}
			calls := r.calls()
			for _, image := range []string{"-var=image=", "update form --image=", "update api --image="} {
				if strings.LastIndex(calls, image+oldImage) < strings.LastIndex(calls, image+newImage) {
					t.Errorf("the former image was not deployed last:\n%s", calls)
				}
			}
		})
	}
}

// TestEitherDigestIsTheRelease: Cloud Run can name the image for its processor in place of the index that was
// deployed.
func TestEitherDigestIsTheRelease(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	r.program("gcloud", running("r/merger@"+child, "True"))
	if err := r.steps(all()...); err != nil {
		t.Error(err)
	}
	failing := newRelease(t)
	failing.program("gcloud", running("r/merger@"+child, "True"))
	failing.answers("printf 500")
	if err := failing.steps(all()...); err == nil {
		t.Error("no error")
	}
	if !strings.Contains(failing.calls(), "update api --image="+oldImage) {
		t.Errorf("not rolled back:\n%s", failing.calls())
	}
}

// TestTheWebIsNotLeftBehind: the build says so if only a part of the services is back.
func TestTheWebIsNotLeftBehind(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	r.program("gcloud", running(newImage, "False")+`
case "$*" in *update*`+oldImage+`*) exit 1 ;; esac`)
	if err := r.steps(all()...); err == nil || !strings.Contains(err.Error(), "but for form api") {
		t.Errorf("%v", err)
	}
}

func TestFailedMigrationDeploysNothing(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	r.program("gcloud", "exit 1")
	if err := r.steps(all()...); err == nil {
		t.Error("no error")
	}
	if calls := r.calls(); strings.Contains(calls, "module.stage") || strings.Contains(calls, "update") {
		t.Error("services were touched")
	}
}

// TestEveryModuleIsReleased checks that every module of terraform/main.tf gets the new image, that
// smoke checks every service, and that the image is tried as each of them.
func TestEveryModuleIsReleased(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	if err := r.steps(all()...); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../terraform/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	tried, err := os.ReadFile("image-test")
	if err != nil {
		t.Fatal(err)
	}
	module := regexp.MustCompile(`module "(\w+)" \{\s+source +=\s"\./(\w+)"`)
	modules := module.FindAllStringSubmatch(string(text), -1)
	var services []string
	for _, module := range modules {
		if module[1] == "doctor" { // see scripts/release
			if strings.Contains(r.calls(), "module.doctor") || strings.Contains(r.calls(), "update doctor") {
				t.Error("a build deploys doctor, and could act as the accounts that doctor signs for")
			}
			continue
		}
		applied := regexp.MustCompile(`(?m) -target=module\.` + module[1] + `( |$)`).MatchString(r.calls())
		updated := strings.Contains(r.calls(), "services update "+module[1]+" ")
		if applied == updated {
			t.Errorf("%s: applied %t, updated %t", module[1], applied, updated)
		}
		if updated && strings.Contains(string(text), "= module."+module[1]+".") {
			t.Errorf("another module refers to %s, so that Terraform deploys it, too", module[1])
		}
		if module[2] != "function" {
			continue
		}
		services = append(services, module[1])
		if !strings.Contains(r.calls(), "services describe "+module[1]+" ") {
			t.Errorf("smoke does not check %s", module[1])
		}
	}
	list := "for target in " + strings.Join(services, " ")
	if len(services) < 9 || strings.Count(string(tried), list) != 2 {
		t.Errorf("scripts/image-test is to say twice: %s", list)
	}
}

// TestOvertakenBuildChangesNothing runs two builds at once. The one that started first is the last
// to deploy.
func TestOvertakenBuildChangesNothing(t *testing.T) {
	t.Parallel()
	const later = "r/merger@sha256:3333333333333333333333333333333333333333333333333333333333333333"
	for _, step := range []string{"jobs execute migrate", "status.url"} { // when the other one deploys
		r := newRelease(t)
		r.program("terraform", `case "$*" in
*output*)
	if grep -q '`+step+`' `+r.dir+`/calls; then printf %s '`+later+`'; else printf %s '`+oldImage+`'; fi
	;;
esac`)
		r.answers("printf 500")
		r.program("gcloud", "if grep -q '"+step+"' "+r.dir+"/calls; then\n"+
			runningAs(later, newImage, "True")+"\nelse\n"+running(newImage, "True")+"\nfi")
		err := r.steps(all()...)
		if err == nil || !strings.Contains(err.Error(), later+" was deployed in the meantime and stays") {
			t.Errorf("%s: %v", step, err)
		}
		calls := r.calls()
		touched := strings.Contains(calls, "module.stage") || strings.Contains(calls, "services update")
		deployed := step == "jobs execute migrate" && touched
		if deployed || strings.Contains(calls, "image="+oldImage) {
			t.Errorf("what came later was undone:\n%s", calls)
		}
	}
}

func TestBadImageIsNotPushed(t *testing.T) {
	t.Parallel()
	for name, docker := range map[string]string{
		"no Russian": `case "$*" in *tesseract*) echo eng ;; *imagetools*) echo ` + digest + ` ;; esac`,
		"a program fails": `case "$*" in
*sample*) exit 1 ;;
*tesseract*) echo rus ;;
*imagetools*) echo ` + digest + ` ;;
esac`,
		"a base has no name": `case "$*" in *imagetools*) echo latest ;; esac`,
	} {
		r := newRelease(t)
		r.program("docker", docker)
		if err := r.steps(all()...); err == nil {
			t.Errorf("%s: no error", name)
		}
		if strings.Contains(r.calls(), "--push") {
			t.Errorf("%s: pushed", name)
		}
	}
}

func TestPushWithoutDigestDeploysNothing(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	r.program("docker", `case "$*" in
*imagetools*) echo `+digest+` ;;
*tesseract*) echo rus ;;
*--metadata-file*) echo '{}' >"$RELEASE/pushed.json" ;;
esac`)
	if err := r.steps(all()...); err == nil || !strings.Contains(err.Error(), "reported no digest") {
		t.Errorf("%v", err)
	}
	if strings.Contains(r.calls(), "apply") {
		t.Error("something was deployed")
	}
}

func TestFirstReleaseHasNoFormerImage(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	r.program(
		"terraform",
		`case "$*" in *output*) printf us-docker.pkg.dev/cloudrun/container/hello ;; esac`,
	)
	r.answers("printf 500")
	if err := r.steps(all()...); err == nil || !strings.Contains(err.Error(), "no former image") {
		t.Errorf("%v", err)
	}
}

func TestMisspeltSubstitutionStopsTheBuild(t *testing.T) {
	t.Parallel()
	for step, names := range map[string][]string{
		"check":        {"IMAGE", "CACHE", "DEPLOY_TOPIC", "VARIABLES_FILE", "COMMIT_SHA", "BUILD_ID"},
		"check-deploy": {"REGION", "IMAGE", "TAG", "STATE_BUCKET", "VARIABLES_FILE"},
	} {
		for _, name := range names {
			r := newRelease(t)
			r.env[name] = ""
			if out, err := r.run("release", step); err == nil || !strings.Contains(out, name) {
				t.Errorf("%s, %s: %v %s", step, name, err, out)
			}
		}
	}
}

// TestOnlyReleasesAreDeployed asks for tags that are not those of a release of this commit in our repository.
func TestOnlyReleasesAreDeployed(t *testing.T) {
	t.Parallel()
	other := strings.Repeat("f", 40)
	for name, test := range map[string]struct{ tag, commit, want string }{
		"no tag of a release": {"latest", commit, "want COMMIT-BUILD"},
		"a digest":            {"x@" + digest, commit, "want COMMIT-BUILD"},
		"more than a tag":     {tag + "/../other", commit, "want COMMIT-BUILD"},
		"two lines":           {"x\n" + tag, commit, "want COMMIT-BUILD"},
		"another commit":      {tag, other, "the later commit deploys"},
		"not pushed":          {other + tag[40:], other, "the registry has no r/merger:" + other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t)
			r.env["TAG"], r.env["COMMIT_SHA"] = test.tag, test.commit
			if err := r.steps(deploySteps()...); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if strings.Contains(r.calls(), "apply") || strings.Contains(r.calls(), "update") {
				t.Errorf("something was deployed:\n%s", r.calls())
			}
		})
	}
	r := newRelease(t)
	r.env["COMMIT_SHA"] = "" // Google does not promise it
	if err := r.steps(deploySteps()...); err != nil {
		t.Error(err)
	}
}

func TestApplyKeepsTheImage(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	if out, err := r.run("apply", "terraform/my.tfvars", "-auto-approve"); err != nil {
		t.Fatal(err, out)
	}
	calls := r.calls()
	kept := strings.Contains(calls, "-var=image="+oldImage+" -auto-approve")
	if !kept || !strings.Contains(calls, "bucket=states") {
		t.Error(calls)
	}
	r.program("terraform", `case "$*" in *output*) echo no outputs; exit 1 ;; esac`)
	if out, err := r.run("apply", "terraform/my.tfvars"); err != nil {
		t.Fatal(err, out)
	}
	if !strings.HasSuffix(r.calls(), "-var=image=\n") {
		t.Error(r.calls())
	}
}

func TestBootstrap(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	out, err := r.run("bootstrap", "my-project", "europe-west1")
	number := strings.Contains(out, `project_number = "123456789012"`)
	bucket := strings.Contains(out, `state_bucket   = "my-project-terraform"`)
	if err != nil || !number || !bucket {
		t.Errorf("%v\n%s", err, out)
	}
	calls := r.calls()
	if !strings.Contains(calls, "--public-access-prevention") || !strings.Contains(calls, "--versioning") {
		t.Error(calls)
	}
}

// TestBootstrapAsksForRegions checks that a service that is missing in its region stops bootstrap with a sentence.
func TestBootstrapAsksForRegions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		arguments []string
		want      string // empty: it ends well
	}{
		{"own scheduler region", []string{"my-project", "europe-north1"}, ""},
		{
			"no Cloud Scheduler",
			[]string{"my-project", "europe-north1", "europe-north1"},
			"Cloud Scheduler is not available in europe-north1",
		},
		{
			"no Cloud Run",
			[]string{"my-project", "us-central1"},
			"Cloud Run is not available in us-central1",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t)
			out, err := r.run("bootstrap", test.arguments...)
			if got, want := err != nil, test.want != ""; got != want {
				t.Fatalf("failed: %t, want %t\n%s", got, want, out)
			}
			if !strings.Contains(out, test.want) {
				t.Errorf("printed %q, want %q", out, test.want)
			}
			if created := strings.Contains(r.calls(), "buckets create"); created != (test.want == "") {
				t.Errorf("created a bucket: %t", created)
			}
		})
	}
}

// buildFile is what the tests read of a file of Cloud Build.
type buildFile struct {
	Steps []struct {
		ID, Name string
		Args     []string
		WaitFor  []string `yaml:"waitFor"`
	}
	Substitutions  map[string]string
	ServiceAccount string `yaml:"serviceAccount"`
	Options        struct {
		Logging string
		Env     []string
	}
}

// readBuild reads a file of Cloud Build in the root of the repository.
func readBuild(t *testing.T, name string) (build buildFile) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, "../"+name)), &build); err != nil {
		t.Fatal(err)
	}
	return build
}

// TestBuildersArePinned checks that the builds run no image by a tag, and that scripts/pin resolves the tags.
func TestBuildersArePinned(t *testing.T) {
	t.Parallel()
	builders := func(text string) (found map[string]string) {
		if err := json.Unmarshal([]byte(text), &found); err != nil {
			t.Fatal(err)
		}
		return found
	}
	tags := builders(read(t, "../terraform/builders.json"))
	r := newRelease(t)
	for file, check := range map[string]string{"cloudbuild.yaml": "check", "cloudbuild.deploy.yaml": "check-deploy"} {
		build := readBuild(t, file)
		for _, step := range build.Steps {
			name, isVariable := strings.CutPrefix(step.Name, "$")
			tag, _, _ := strings.Cut(tags[name], "@")
			if !isVariable || tag == "" {
				t.Errorf("%s: step %s runs in %s, which terraform/builders.json does not name", file, step.ID, step.Name)
				continue
			}
			if build.Substitutions[name] != tag {
				t.Errorf("%s: %s is %s, and %s in terraform/builders.json", file, name, build.Substitutions[name], tag)
			}
			variable := strings.TrimPrefix(name, "_") + "_BUILDER"
			pinned := r.env[variable]
			r.env[variable] = tag
			out, err := r.run("release", check)
			if err == nil || !strings.Contains(out, "run scripts/pin") || !strings.Contains(out, tag) {
				t.Errorf("%s with a tag for %s: %v, %s", file, name, err, out)
			}
			r.env[variable] = pinned
		}
	}
	for range 2 { // again, once they are pinned
		if out, err := r.run("pin"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		got := builders(read(t, filepath.Join(r.dir, "terraform/builders.json")))
		for name, image := range tags {
			tag, _, _ := strings.Cut(image, "@")
			if want := tag + "@" + digest; got[name] != want {
				t.Errorf("%s is pinned to %s, want %s", name, got[name], want)
			}
		}
	}
	before := read(t, filepath.Join(r.dir, "terraform/builders.json"))
	r.program("docker", "exit 1")
	if out, err := r.run("pin"); err == nil || !strings.Contains(out, "has no digest") {
		t.Errorf("without a registry: %v, %s", err, out)
	}
	if after := read(t, filepath.Join(r.dir, "terraform/builders.json")); after != before {
		t.Errorf("without a registry the file becomes %s", after)
	}
}

// TestBuildSteps compares the files of both builds with themselves and with scripts/release.
func TestBuildSteps(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]struct {
		steps   []string
		account string
	}{
		"cloudbuild.yaml":        {buildSteps(), "nvr-build"},
		"cloudbuild.deploy.yaml": {deploySteps(), "nvr-deploy"},
	} {
		build := readBuild(t, file)
		var ids, ours []string
		for _, step := range build.Steps {
			if step.ID == "" || slices.Contains(ids, step.ID) {
				t.Errorf("%s: step %q has no id of its own", file, step.ID)
			}
			for _, before := range step.WaitFor {
				if !slices.Contains(ids, before) {
					t.Errorf("%s: step %s waits for %s, which does not stand before it", file, step.ID, before)
				}
			}
			if step.ID != "check" && len(step.WaitFor) == 0 {
				t.Errorf("%s: step %s does not wait for the check", file, step.ID)
			}
			if slices.Contains(step.Args, "scripts/release") {
				ours = append(ours, strings.Join(step.Args[1:], " "))
			}
			ids = append(ids, step.ID)
		}
		if !slices.Equal(ours, want.steps) {
			t.Errorf("%s runs %v", file, ours)
		}
		account := "/" + want.account + "@$PROJECT_ID.iam.gserviceaccount.com"
		if build.Options.Logging != "CLOUD_LOGGING_ONLY" || !strings.HasSuffix(build.ServiceAccount, account) {
			t.Errorf("%s: %s, %s", file, build.Options.Logging, build.ServiceAccount)
		}
		for name := range build.Substitutions {
			reaches := func(variable string) bool { return strings.HasSuffix(variable, "=$"+name) }
			if !slices.ContainsFunc(build.Options.Env, reaches) {
				t.Errorf("%s: %s reaches no step", file, name)
			}
		}
	}
}
