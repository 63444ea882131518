package scripts_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs are the pages and the commands in their blocks.
func docs(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	block := regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found[file] = nil
		for _, match := range block.FindAllSubmatch(text, -1) {
			found[file] = append(found[file], string(match[1]))
		}
	}
	return found
}

// TestTheCommandsOfTheDocsExist: each block is something that a shell can read; the scripts, targets,
// jobs, schedules, outputs and substitutions that it names are there.
func TestTheCommandsOfTheDocsExist(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	main, outputs, makefile, build := read("../terraform/main.tf"), read("../terraform/outputs.tf"), read("../Makefile"), read("../cloudbuild.yaml")
	there := []struct {
		name string
		find *regexp.Regexp
		is   func(string) bool
	}{
		{"script", regexp.MustCompile(`\bscripts/([a-z0-9-]+)`), func(s string) bool { _, err := os.Stat(s); return err == nil }},
		{"make target", regexp.MustCompile(`(?m)^\s*make ([a-z0-9]+)`), func(s string) bool { return strings.Contains(makefile, "\n"+s+":") }},
		{"job", regexp.MustCompile(`gcloud run jobs execute (\w+)`), func(s string) bool { return strings.Contains(main, `module "`+s+`"`) }},
		{"schedule", regexp.MustCompile(`gcloud scheduler jobs \w+ (\w+-\w+)`), func(s string) bool {
			function, name, _ := strings.Cut(s, "-")
			_, rest, _ := strings.Cut(main, `module "`+function+`"`)
			body, _, _ := strings.Cut(rest, "\n}\n")
			return regexp.MustCompile(`(?m)^    ` + name + ` +=`).MatchString(body)
		}},
		{"output", regexp.MustCompile(`terraform(?: -chdir=terraform)? output (?:-\w+ )?(\w+)`), func(s string) bool { return strings.Contains(outputs, `output "`+s+`"`) }},
		{"substitution", regexp.MustCompile(`[,"](_[A-Z_]+)=`), func(s string) bool { return strings.Contains(build, "  "+s+":") }},
	}
	for file, blocks := range docs(t) {
		text := read(file)
		for _, thing := range there {
			for _, match := range thing.find.FindAllStringSubmatch(text, -1) {
				if !thing.is(match[1]) {
					t.Errorf("%s: there is no %s %s", file, thing.name, match[1])
				}
			}
		}
		for _, block := range blocks {
			shell := exec.CommandContext(t.Context(), "bash", "-n")
			shell.Stdin = strings.NewReader(block)
			if out, err := shell.CombinedOutput(); err != nil {
				t.Errorf("%s: %v %s\n%s", file, err, out, block)
			}
		}
	}
}

// TestTheInstallationRuns follows docs/install.md word by word, with stand-ins for Google's programs.
func TestTheInstallationRuns(t *testing.T) {
	t.Parallel()
	r := newRelease(t)
	r.write("terraform/our.tfvars", "state_bucket = \"states\"\n")
	r.program("git", "echo abc")
	r.program("terraform", `case "$*" in *"output -raw build"*) printf _REGION=r,_IMAGE=r/merger ;; esac`)
	for _, block := range docs(t)["../docs/install.md"] {
		shell := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", block)
		shell.Dir = r.dir
		shell.Env = []string{
			"PATH=" + r.bin + ":/usr/bin:/bin", "PROJECT=my-project", "REGION=europe-north1", "SECRET=s",
			"RELEASE=" + r.env["RELEASE"],
		}
		if out, err := shell.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s\n%s", err, block, out)
		}
	}
	for _, want := range []string{"services identity create --service=iap.googleapis.com", "terraform apply -var-file=", "jobs execute doctor",
		"--gcs-source-staging-dir=gs://my-project-terraform/source", // of the bucket in which the build may read
		"--substitutions=_REGION=r,_IMAGE=r/merger,COMMIT_SHA=abc",
	} {
		if !strings.Contains(r.calls(), want) {
			t.Errorf("never called: %s", want)
		}
	}
}

// TestLinksOfTheDocs: a page that is linked exists, and so does the heading.
func TestLinksOfTheDocs(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]*)(?:#([^)]*))?\)`)
	for file := range docs(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range link.FindAllSubmatch(text, -1) {
			target := file
			if len(match[1]) > 0 {
				target = filepath.Join("../docs", string(match[1]))
			}
			page, err := os.ReadFile(target)
			if strings.HasPrefix(string(match[1]), "cost.") && os.IsNotExist(err) {
				continue // written by make bench
			}
			if err != nil {
				t.Errorf("%s links to %s, which is not there", file, match[1])
				continue
			}
			heading := strings.ToLower(strings.ReplaceAll(string(match[2]), "-", " "))
			if heading != "" && !bytes.Contains(bytes.ToLower(bytes.ReplaceAll(page, []byte("-"), []byte(" "))), []byte("# "+heading+"\n")) {
				t.Errorf("%s links to #%s, which is no heading", file, match[2])
			}
		}
	}
}

// TestTheDashboardIsJSON reads the dashboard as Terraform would fill it in.
func TestTheDashboardIsJSON(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../terraform/dashboard.json.tftpl")
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("${runbook}"), []byte("https://example.org"))
	var page struct {
		MosaicLayout struct {
			Columns int
			Tiles   []struct{ XPos, YPos, Width, Height int }
		}
	}
	if err := json.Unmarshal(text, &page); err != nil {
		t.Fatal(err)
	}
	tiles := page.MosaicLayout.Tiles
	for i, a := range tiles {
		if a.XPos+a.Width > page.MosaicLayout.Columns {
			t.Errorf("tile %d stands out", i)
		}
		if slices.ContainsFunc(tiles[i+1:], func(b struct{ XPos, YPos, Width, Height int }) bool {
			return a.XPos < b.XPos+b.Width && b.XPos < a.XPos+a.Width && a.YPos < b.YPos+b.Height && b.YPos < a.YPos+a.Height
		}) {
			t.Errorf("tile %d lies on another", i)
		}
	}
}
