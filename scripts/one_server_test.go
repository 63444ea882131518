package scripts_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/nvr-miem/merger/pkg/config"
)

// serveProcess is how a file of docs/ starts local serve.
type serveProcess struct {
	args        []string // after "serve"
	environment []string // names of variables
}

// compose is what the tests read of docs/one-server.compose.yaml.
type compose struct {
	Services map[string]struct {
		Build       struct{ Context string }
		Image       string
		Entrypoint  []string
		Command     []string
		Environment map[string]string
		Secrets     []string
		Volumes     []string
		DependsOn   map[string]any `yaml:"depends_on"`
	}
	Volumes map[string]any
	Secrets map[string]struct{ File string }
}

// TestOneServerInContainers parses the compose file. Its services, secrets, options and variables must exist.
func TestOneServerInContainers(t *testing.T) {
	t.Parallel()
	var file compose
	if err := yaml.Unmarshal([]byte(read(t, "../docs/one-server.compose.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	merger := file.Services["merger"]
	if merger.Build.Context != ".." || !slices.Equal(merger.Entrypoint, []string{"/merger/local"}) {
		t.Errorf("the image is built in %q and starts %v", merger.Build.Context, merger.Entrypoint)
	}
	if len(merger.Command) == 0 || merger.Command[0] != "serve" {
		t.Fatalf("the command is %v", merger.Command)
	}
	process := serveProcess{args: merger.Command[1:]}
	for name := range merger.Environment {
		process.environment = append(process.environment, name)
	}
	checkServe(t, process)
	page := read(t, "../docs/one-server.md")
	for name, service := range file.Services {
		for _, secret := range service.Secrets {
			made := strings.TrimPrefix(file.Secrets[secret].File, "./")
			if made == "" || !strings.Contains(page, "docs/"+made) {
				t.Errorf("service %s: the page makes no file of secret %q", name, secret)
			}
		}
		for other := range service.DependsOn {
			if _, found := file.Services[other]; !found {
				t.Errorf("service %s depends on %s, which does not exist", name, other)
			}
		}
	}
	mounted := regexp.MustCompile(`/run/secrets/([a-z-]+)`)
	for _, match := range mounted.FindAllStringSubmatch(read(t, "../docs/one-server.compose.yaml"), -1) {
		if _, found := file.Secrets[match[1]]; !found {
			t.Errorf("%s is no secret", match[0])
		}
	}
}

// TestOneServerBySystemd reads the unit. Its options, variables and credentials must exist.
func TestOneServerBySystemd(t *testing.T) {
	t.Parallel()
	unit := strings.ReplaceAll(read(t, "../docs/one-server.service"), "\\\n", "")
	var process serveProcess
	var credentials []string
	section := ""
	for line := range strings.Lines(unit) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		name, value, found := strings.Cut(line, "=")
		if !found || strings.HasPrefix(line, "#") {
			continue
		}
		switch name {
		case "ExecStart":
			words := strings.Fields(value)
			if len(words) < 2 || !strings.HasSuffix(words[0], "/local") || words[1] != "serve" {
				t.Fatalf("the unit starts %v", words)
			}
			process.args = words[2:]
		case "Environment":
			variable, _, _ := strings.Cut(value, "=")
			process.environment = append(process.environment, variable)
		case "LoadCredential":
			credential, _, _ := strings.Cut(value, ":")
			credentials = append(credentials, credential)
		case "WantedBy":
			if section != "[Install]" {
				t.Errorf("WantedBy stands in %s", section)
			}
		}
	}
	checkServe(t, process)
	for _, match := range regexp.MustCompile(`%d/([a-z-]+)`).FindAllStringSubmatch(unit, -1) {
		if !slices.Contains(credentials, match[1]) {
			t.Errorf("no credential %s is loaded", match[1])
		}
	}
}

// checkServe checks that local serve has the options and that the product reads the variables.
func checkServe(t *testing.T, process serveProcess) {
	t.Helper()
	help := helpOf(t, "serve")
	for _, arg := range process.args {
		name, _, found := strings.Cut(arg, "=")
		if !found || !strings.Contains(help, "\n  "+name+" ") {
			t.Errorf("local serve has no option %q", arg)
		}
	}
	known := []string{"GOOGLE_APPLICATION_CREDENTIALS"} // of Google's libraries
	settings := reflect.TypeFor[config.Config]()
	for i := range settings.NumField() {
		name, _, _ := strings.Cut(settings.Field(i).Tag.Get("env"), ",")
		known = append(known, name)
	}
	for _, name := range process.environment {
		if !slices.Contains(known, name) {
			t.Errorf("no program reads the variable %s", name)
		}
	}
	for _, must := range []string{"--sign-in=oidc", "--workspace=google"} {
		if !slices.Contains(process.args, must) {
			t.Errorf("the options lack %s", must)
		}
	}
}
