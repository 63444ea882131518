package apidesc_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/localcloud/apidesc"
)

const operation = `{"name":"o","done":true,"metadata":{"taskCount":3,"template":{"timeout":"1s"}},
	"response":{"conditions":[{"type":"Completed","state":"X"},{"type":"Ready"}]}}`

func TestSelect(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]string{
		"":                               operation,
		"name":                           `{"name":"o"}`,
		"name,done":                      `{"name":"o","done":true}`,
		"metadata/taskCount":             `{"metadata":{"taskCount":3}}`,
		"metadata(taskCount),name":       `{"metadata":{"taskCount":3},"name":"o"}`,
		"metadata(template/timeout)":     `{"metadata":{"template":{"timeout":"1s"}}}`,
		"metadata/*":                     `{"metadata":{"taskCount":3,"template":{"timeout":"1s"}}}`,
		"metadata/taskCount,metadata":    `{"metadata":{"taskCount":3,"template":{"timeout":"1s"}}}`,
		"response/conditions/type":       `{"response":{"conditions":[{"type":"Completed"},{"type":"Ready"}]}}`,
		"response(conditions(state), x)": `{"response":{"conditions":[{"state":"X"},{}]}}`,
	} {
		whole, err := decode(t, operation)
		if err != nil {
			t.Fatal(err)
		}
		expected, err := decode(t, want)
		if err != nil {
			t.Fatal(err)
		}
		selected, err := apidesc.ParseFields(fields)
		if err != nil {
			t.Errorf("%s: %v", fields, err)
			continue
		}
		if diff := cmp.Diff(expected, selected.SelectObject(whole)); diff != "" {
			t.Errorf("%s: -want +got\n%s", fields, diff)
		}
	}
}

func TestCheckFields(t *testing.T) {
	t.Parallel()
	get := load(t, "run").Method("projects.locations.operations.get")
	for fields, ok := range map[string]bool{
		"name,metadata(anything/at/all)":      true,
		"*":                                   true,
		"error(code,details)":                 true,
		"colour":                              false,
		"error/colour":                        false,
		"name/first":                          false,
		"name(":                               false,
		"name,":                               false,
		"a(b))":                               false,
		strings.Repeat("metadata/", 40) + "a": false,
	} {
		selected, err := apidesc.ParseFields(fields)
		if err == nil {
			err = get.CheckFields(selected)
		}
		if (err == nil) != ok {
			t.Errorf("%s: %v", fields, err)
		}
	}
}

func FuzzFields(f *testing.F) {
	for _, seed := range []string{
		"*", "name,metadata(a,b/c)", "a.b", ",,", "a((", "response/conditions/type",
	} {
		f.Add(seed)
	}
	whole, err := decode(f, operation)
	if err != nil {
		f.Fatal(err)
	}
	before, err := json.Marshal(whole)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, fields string) {
		selected, err := apidesc.ParseFields(fields)
		if err != nil {
			return
		}
		got, err := json.Marshal(selected.Select(whole))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) > len(before) {
			t.Errorf("%q selects more than there is: %s", fields, got)
		}
		after, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(before), string(after)); diff != "" {
			t.Errorf("%q changed the value: -want +got\n%s", fields, diff)
		}
	})
}
