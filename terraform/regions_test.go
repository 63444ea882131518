package terraform_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// TestExamplesAreInRegionsOfTheServices checks that every service of an example, and of the defaults, exists in its
// region. regions.json holds the regions with their date and source.
func TestExamplesAreInRegionsOfTheServices(t *testing.T) {
	t.Parallel()
	var table struct {
		Services map[string]struct {
			Variable, Source string
			Regions          []string
		}
	}
	text, err := os.ReadFile("regions.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &table); err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Glob("examples/*.tfvars")
	if err != nil {
		t.Fatal(err)
	}
	if len(examples) == 0 {
		t.Fatal("no examples")
	}
	for name, service := range table.Services {
		if service.Source == "" || len(service.Regions) == 0 {
			t.Errorf("%s: no source or no regions", name)
		}
		value := regexp.MustCompile(`(?m)^` + service.Variable + `\s*=\s*"([^"]*)"`)
		for _, example := range examples {
			check(t, name, example, service.Regions, value)
		}
		byDefault := regexp.MustCompile(`(?s)variable "` + service.Variable + `" \{[^}]*?default\s*=\s*"([^"]*)"`)
		check(t, name, "variables.tf", service.Regions, byDefault)
	}
}

// check reports a region of a file, found by the expression's group, in which the service does not exist.
func check(t *testing.T, service, file string, regions []string, value *regexp.Regexp) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	match := value.FindSubmatch(text)
	if match == nil {
		t.Errorf("%s: no region for %s", file, service)
		return
	}
	if region := string(match[1]); !slices.Contains(regions, region) {
		t.Errorf("%s: %s is not available in %s", file, service, region)
	}
}
