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
	files = append(files, "../README.md", "../README.ru.md")
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
// jobs and their commands, services, schedules, outputs and secrets that it names are there.
func TestTheCommandsOfTheDocsExist(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	main, outputs, makefile := read("../terraform/main.tf"), read("../terraform/outputs.tf"), read("../Makefile")
	programs, secrets := read("../jobs/local/main.go")+read("../jobs/migrate/main.go"), read("../terraform/secrets.tf")
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
		{"service", regexp.MustCompile(`gcloud run services describe (\w+)`), func(s string) bool { return strings.Contains(main, `module "`+s+`"`) }},
		{"command", regexp.MustCompile(`(?:--args="?|bin/local )([a-z]+)`), func(s string) bool { return strings.Contains(programs, `"`+s+`":`) }},
		{"secret", regexp.MustCompile(`nvr-(\w+-(?:secret|password|key))`), func(s string) bool { return strings.Contains(secrets, "    "+s+" ") }},
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

// TestThePagesRun follows each page of docs/ word by word, in one shell, with stand-ins for Google's programs
// and the database's. What the reader has to know beside PROJECT and REGION is listed here: a variable that
// is neither listed nor set on the page would be a guess, and fails.
func TestThePagesRun(t *testing.T) {
	t.Parallel()
	known := map[string][]string{
		"install.md":     {"SECRET=s"},
		"joining-nvr.md": {"NVR_DATABASE=nvr"},
		"runbook.md":     {"RECORD=1", "SERVICE=stage"},
		"security.md":    {"ADDRESS=a@example.org", "ROOM=504", "DAY=2026-11-20"},
		"upgrade.md":     {"IMAGE=r/merger", "DIGEST=" + digest, "TIME=2026-11-20T15:10:00.000Z"},
	}
	wanted := map[string][]string{
		"install.md": {
			"services identity create --service=iap.googleapis.com", "terraform apply -var-file=", "builds submit --config=cloudbuild.yaml", "jobs execute doctor",
			"--gcs-source-staging-dir=gs://my-project-terraform/source", "_IMAGE=r/merger,COMMIT_SHA=abc",
		},
		"joining-nvr.md": {"sql import sql nvr-1234 gs://my-project-work/nvr.sql", "remove-iam-policy-binding", "storage rm gs://my-project-work/nvr.sql", "execute migrate --args=down"},
		"upgrade.md":     {"-var=image=r/merger@" + digest},
		"runbook.md":     {"--args=retry,1 "},
		"security.md":    {"--args=erase,--email=a@example.org"},
	}
	for file, blocks := range docs(t) {
		page := filepath.Base(file)
		if strings.HasPrefix(page, "README") || len(blocks) == 0 {
			continue // the README's commands run beside the program: jobs/local
		}
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t)
			if err := os.CopyFS(filepath.Join(r.dir, "terraform", "examples"), os.DirFS("../terraform/examples")); err != nil {
				t.Fatal(err)
			}
			if page != "install.md" {
				r.write("terraform/our.tfvars", "state_bucket = \"states\"\n")
			}
			r.program("git", "echo abc")
			r.program("mysqldump", "")
			r.program("terraform", `case "$*" in *build_substitutions*) printf _IMAGE=r/merger ;; *output*) printf %s '`+oldImage+`' ;; esac`)
			r.program("gcloud", `case "$*" in *--data-file=-*) cat >/dev/null ;; *"instances list"*) echo nvr-1234 ;; *"buckets describe"*) exit 1 ;; esac`)
			shell := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", strings.Join(blocks, "\n"))
			shell.Dir = r.dir
			shell.Stdin = strings.NewReader("password\n")
			shell.Env = append([]string{"PATH=" + r.bin + ":/usr/bin:/bin", "PROJECT=my-project", "REGION=europe-north1"}, known[page]...)
			if out, err := shell.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			for _, want := range wanted[page] {
				if !strings.Contains(r.calls(), want) {
					t.Errorf("never called: %s\n%s", want, r.calls())
				}
			}
		})
	}
}

// TestTheExamplesAreExplained: who installs has to replace whatever only the examples have.
func TestTheExamplesAreExplained(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	printed := []string{"project", "project_number", "region", "state_bucket"} // by scripts/bootstrap
	for _, file := range []string{"small.tfvars", "large.tfvars"} {
		text, err := os.ReadFile("../terraform/examples/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^(\w+) +=.*example`).FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(printed, match[1]) && !bytes.Contains(page, []byte("`"+match[1])) {
				t.Errorf("%s: %s is the example's, and docs/install.md does not say so", file, match[1])
			}
		}
	}
}

// TestBothLanguagesSayTheSame: a page in Russian has the commands and the links of the one in English.
func TestBothLanguagesSayTheSame(t *testing.T) {
	t.Parallel()
	pages := docs(t)
	comment := regexp.MustCompile(`(?m) +#.*$`)
	link := regexp.MustCompile(`\]\(([^)]*)\)`)
	links := func(file string) []string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			all = append(all, strings.Replace(match[1], ".ru.md", ".md", 1))
		}
		slices.Sort(all)
		return all
	}
	for file, blocks := range pages {
		russian := strings.TrimSuffix(file, ".md") + ".ru.md"
		if pages[russian] == nil {
			continue
		}
		commands := func(blocks []string) string { return comment.ReplaceAllString(strings.Join(blocks, "\n"), "") }
		if english, other := commands(blocks), commands(pages[russian]); english != other {
			t.Errorf("%s:\n%s\n%s:\n%s", file, english, russian, other)
		}
		if english, other := links(file), links(russian); !slices.Equal(english, other) {
			t.Errorf("%s links to %v, %s to %v", file, english, russian, other)
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
				target = filepath.Join(filepath.Dir(file), string(match[1]))
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
