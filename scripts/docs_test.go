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

	"github.com/google/go-cmp/cmp"
)

// docs returns the commands in the sh blocks of every page, by the page's path.
func docs(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	files = append(
		files,
		"../README.md",
		"../README.ru.md",
		"../CONTRIBUTING.md",
		"../CHANGELOG.md",
	)
	found := map[string][]string{}
	block := regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$")
	for _, file := range files {
		found[file] = nil
		for _, match := range block.FindAllStringSubmatch(read(t, file), -1) {
			found[file] = append(found[file], match[1])
		}
	}
	return found
}

// read returns the text of a file.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// kind is a kind of thing that pages name.
type kind struct {
	name   string
	find   *regexp.Regexp // its first group is the thing's name
	exists func(name string) bool
}

// kinds returns the kinds of things whose existence is checked.
func kinds(t *testing.T) []kind {
	t.Helper()
	main := read(t, "../terraform/main.tf")
	outputs := read(t, "../terraform/outputs.tf")
	secrets := read(t, "../terraform/secrets.tf")
	makefile := read(t, "../Makefile")
	migrate := read(t, "../jobs/migrate/main.go")
	commands := commandsOf(t)

	isFile := func(name string) bool { _, err := os.Stat(name); return err == nil }
	isTarget := func(name string) bool { return strings.Contains(makefile, "\n"+name+":") }
	isModule := func(name string) bool { return strings.Contains(main, `module "`+name+`"`) }
	isOutput := func(name string) bool { return strings.Contains(outputs, `output "`+name+`"`) }
	isSecret := func(name string) bool { return strings.Contains(secrets, "    "+name+" ") }
	isCommand := func(name string) bool {
		return slices.Contains(commands, name) || strings.Contains(migrate, `"`+name+`"`)
	}
	isSchedule := func(job string) bool {
		function, name, _ := strings.Cut(job, "-")
		_, rest, _ := strings.Cut(main, `module "`+function+`"`)
		body, _, _ := strings.Cut(rest, "\n}\n")
		return regexp.MustCompile(`(?m)^    ` + name + ` +=`).MatchString(body)
	}
	return []kind{
		{"script", regexp.MustCompile(`\bscripts/([a-z0-9_.-]*[a-z0-9])`), isFile},
		{"make target", regexp.MustCompile(`(?m)^\s*make ([a-z0-9]+)`), isTarget},
		{"job", regexp.MustCompile(`gcloud run jobs execute (\w+)`), isModule},
		{"schedule", regexp.MustCompile(`gcloud scheduler jobs \w+ (\w+-\w+)`), isSchedule},
		{
			"output",
			regexp.MustCompile(`terraform(?: -chdir=terraform)? output (?:-\w+ )?(\w+)`),
			isOutput,
		},
		{"service", regexp.MustCompile(`gcloud run services describe (\w+)`), isModule},
		{"command", regexp.MustCompile(`(?:--args="?|bin/local )([a-z]+)`), isCommand},
		{"secret", regexp.MustCompile(`nvr-(\w+-(?:secret|password|key))`), isSecret},
	}
}

// TestDocsNameWhatExists checks that each block is a valid shell script, and that the scripts,
// targets, jobs, commands, services, schedules, outputs and secrets that pages name exist.
func TestDocsNameWhatExists(t *testing.T) {
	t.Parallel()
	known := kinds(t)
	for file, blocks := range docs(t) {
		text := read(t, file)
		for _, kind := range known {
			for _, match := range kind.find.FindAllStringSubmatch(text, -1) {
				if !kind.exists(match[1]) {
					t.Errorf("%s: there is no %s %s", file, kind.name, match[1])
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

// TestContributingNamesPathsThatExist checks the paths in back quotes of CONTRIBUTING.md.
func TestContributingNamesPathsThatExist(t *testing.T) {
	t.Parallel()
	path := regexp.MustCompile("`((?:pkg|jobs|functions|docs|scripts|terraform)/[A-Za-z0-9_./-]*)`")
	for _, match := range path.FindAllStringSubmatch(read(t, "../CONTRIBUTING.md"), -1) {
		if _, err := os.Stat(filepath.Join("..", match[1])); err != nil {
			t.Errorf("CONTRIBUTING.md: there is no %s", match[1])
		}
	}
}

// TestPagesRun runs all commands of a page in one shell, with stand-ins for the programs of Google
// and of the database. PROJECT, REGION and the variables listed here are set. Any other variable
// that the page does not set itself fails.
func TestPagesRun(t *testing.T) {
	t.Parallel()
	// Commands of bin/local run in the tests of jobs/local.
	local := []string{"demo.md", "one-machine.md", "one-server.md", "CONTRIBUTING.md"}
	variables := map[string][]string{
		"api.md":         {"API=https://api.example.org", "KEY=k"},
		"install.md":     {"SECRET=s"},
		"joining-nvr.md": {"NVR_DATABASE=nvr"},
		"runbook.md":     {"RECORD=1", "SERVICE=stage"},
		"security.md":    {"ADDRESS=a@example.org", "ROOM=504", "DAY=2026-11-20"},
		"upgrade.md":     {"IMAGE=r/merger", "DIGEST=" + digest, "TIME=2026-11-20T15:10:00.000Z"},
	}
	wanted := map[string][]string{
		"install.md": {
			"services identity create --service=iap.googleapis.com",
			"terraform apply -var-file=",
			"builds submit --config=cloudbuild.yaml",
			"builds submit --config=cloudbuild.deploy.yaml",
			"_REGION=r,_TAG=abc-1",
			"jobs execute doctor",
			"--gcs-source-staging-dir=gs://my-project-terraform/source",
			"_IMAGE=r/merger,COMMIT_SHA=abc",
		},
		"joining-nvr.md": {
			"sql import sql nvr-1234 gs://my-project-work/nvr.sql",
			"remove-iam-policy-binding",
			"storage rm gs://my-project-work/nvr.sql",
			"execute migrate --args=down",
		},
		"upgrade.md":  {"-var=image=r/merger@" + digest},
		"runbook.md":  {"--args=retry,1 "},
		"security.md": {"--args=erase,--email=a@example.org"},
	}
	for file, blocks := range docs(t) {
		page := filepath.Base(file)
		if strings.HasPrefix(page, "README") || len(blocks) == 0 || slices.Contains(local, page) {
			continue
		}
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			calls := runPage(t, page, blocks, variables[page])
			for _, want := range wanted[page] {
				if !strings.Contains(calls, want) {
					t.Errorf("never called: %s\n%s", want, calls)
				}
			}
		})
	}
}

// runPage runs the blocks of a page and returns the calls of the stand-ins.
func runPage(t *testing.T, page string, blocks, variables []string) string {
	t.Helper()
	r := newRelease(t)
	examples := filepath.Join(r.dir, "terraform", "examples")
	if err := os.CopyFS(examples, os.DirFS("../terraform/examples")); err != nil {
		t.Fatal(err)
	}
	if page != "install.md" {
		r.write("terraform/our.tfvars", "state_bucket = \"states\"\n")
	}
	r.program("git", "echo abc")
	r.program("curl", "")
	r.program("mysqldump", "")
	r.program("terraform", `case "$*" in
*build_substitutions*) printf _IMAGE=r/merger ;;
*deploy_substitutions*) printf _REGION=r ;;
*output*) printf %s '`+oldImage+`' ;;
esac`)
	r.program("gcloud", `case "$*" in
*--data-file=-*) cat >/dev/null ;;
*"instances list"*) echo nvr-1234 ;;
*"images list"*"tags~^abc"*) echo abc-1 ;;
*"buckets describe"*) exit 1 ;;
*"locations list"* | *"regions list"*) echo europe-west1 ;;
esac`)
	shell := exec.CommandContext(
		t.Context(),
		"bash",
		"-euo",
		"pipefail",
		"-c",
		strings.Join(blocks, "\n"),
	)
	shell.Dir = r.dir
	shell.Stdin = strings.NewReader("password\n")
	shell.Env = []string{
		"PATH=" + r.bin + ":/usr/bin:/bin",
		"PROJECT=my-project",
		"REGION=europe-west1",
	}
	shell.Env = append(shell.Env, variables...)
	if out, err := shell.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return r.calls()
}

// TestExamplesAreExplained checks that docs/install.md names each variable whose value in the
// examples is only an example.
func TestExamplesAreExplained(t *testing.T) {
	t.Parallel()
	page := read(t, "../docs/install.md")
	printed := []string{"project", "project_number", "region", "state_bucket"} // by scripts/bootstrap
	example := regexp.MustCompile(`(?m)^(\w+) +=.*example`)
	for _, file := range []string{"small.tfvars", "large.tfvars"} {
		for _, match := range example.FindAllStringSubmatch(read(t, "../terraform/examples/"+file), -1) {
			if !slices.Contains(printed, match[1]) && !strings.Contains(page, "`"+match[1]) {
				t.Errorf(
					"%s: %s is an example, and docs/install.md does not say so",
					file, match[1],
				)
			}
		}
	}
}

// TestBothLanguagesHaveTheSameCommandsAndLinks compares each Russian page with its English page.
func TestBothLanguagesHaveTheSameCommandsAndLinks(t *testing.T) {
	t.Parallel()
	pages := docs(t)
	comment := regexp.MustCompile(`(?m) +#.*$`)
	link := regexp.MustCompile(`\]\(([^)]*)\)`)
	commands := func(file string) string {
		return comment.ReplaceAllString(strings.Join(pages[file], "\n"), "")
	}
	links := func(file string) []string {
		var all []string
		for _, match := range link.FindAllStringSubmatch(read(t, file), -1) {
			all = append(all, strings.Replace(match[1], ".ru.md", ".md", 1))
		}
		slices.Sort(all)
		return all
	}
	for english := range pages {
		russian := strings.TrimSuffix(english, ".md") + ".ru.md"
		if _, exists := pages[russian]; !exists {
			continue
		}
		if diff := cmp.Diff(commands(english), commands(russian)); diff != "" {
			t.Errorf("commands of %s and %s:\n%s", english, russian, diff)
		}
		if diff := cmp.Diff(links(english), links(russian)); diff != "" {
			t.Errorf("links of %s and %s:\n%s", english, russian, diff)
		}
	}
}

// TestLinksOfTheDocs checks that linked pages, pictures and headings exist.
func TestLinksOfTheDocs(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]*)(?:#([^)]*))?\)`)
	for file := range docs(t) {
		for _, match := range link.FindAllStringSubmatch(read(t, file), -1) {
			target := file
			if match[1] != "" {
				target = filepath.Join(filepath.Dir(file), match[1])
			}
			if info, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which does not exist", file, match[1])
				continue
			} else if info.IsDir() {
				continue
			}
			if match[2] != "" && !slices.Contains(headings(read(t, target)), match[2]) {
				t.Errorf("%s links to #%s, which is no heading of %s", file, match[2], target)
			}
		}
	}
}

// headings returns the anchors of a page's headings.
func headings(page string) []string {
	var anchors []string
	for _, match := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		anchor := strings.ReplaceAll(strings.ToLower(match[1]), " ", "-")
		anchors = append(anchors, regexp.MustCompile(`[^\pL\pN_-]`).ReplaceAllString(anchor, ""))
	}
	return anchors
}

// tile is a part of the dashboard, in columns and rows.
type tile struct{ XPos, YPos, Width, Height int }

// overlaps reports whether two tiles share a place.
func (a tile) overlaps(b tile) bool {
	columns := a.XPos < b.XPos+b.Width && b.XPos < a.XPos+a.Width
	rows := a.YPos < b.YPos+b.Height && b.YPos < a.YPos+a.Height
	return columns && rows
}

// TestDashboardIsJSON reads the dashboard as Terraform would fill it in, and checks its layout.
func TestDashboardIsJSON(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(
		read(t, "../terraform/dashboard.json.tftpl"),
		"${runbook}",
		"https://example.org",
	)
	var page struct {
		MosaicLayout struct {
			Columns int
			Tiles   []tile
		}
	}
	if err := json.NewDecoder(bytes.NewBufferString(text)).Decode(&page); err != nil {
		t.Fatal(err)
	}
	tiles := page.MosaicLayout.Tiles
	for i, a := range tiles {
		if a.XPos+a.Width > page.MosaicLayout.Columns {
			t.Errorf("tile %d is wider than the page", i)
		}
		if slices.ContainsFunc(tiles[i+1:], a.overlaps) {
			t.Errorf("tile %d overlaps another one", i)
		}
	}
}
