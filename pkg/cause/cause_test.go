package cause_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
)

func TestJSON(t *testing.T) {
	tests := []struct {
		cause cause.Cause
		want  string
	}{
		{cause.Cause{}, `null`},
		{cause.NoFile(), `{"code":"no-file"}`},
		{
			cause.FileEndsEarly(1500*time.Millisecond, 30*time.Minute),
			`{"code":"file-ends-early","args":{"has":1.5,"want":1800}}`,
		},
		{
			cause.Verbatim("Algebra <2>"),
			`{"code":"text","args":{"en":"Algebra \u003c2\u003e","ru":"Algebra \u003c2\u003e"}}`,
		},
	}
	for _, test := range tests {
		text, err := json.Marshal(test.cause)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != test.want {
			t.Errorf("%v in JSON: %s, want %s", test.cause, text, test.want)
		}
		var back cause.Cause
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if back != test.cause {
			t.Errorf("read %s: %v, want %v", text, back, test.cause)
		}
	}
}

func TestReadSortsArguments(t *testing.T) {
	c, err := cause.Read(cause.CodeFileEndsEarly, []byte(` { "want": 1800, "has": 120 } `))
	if err != nil {
		t.Fatal(err)
	}
	if want := cause.FileEndsEarly(2*time.Minute, 30*time.Minute); c != want {
		t.Errorf("read %v, want %v", c, want)
	}
	if _, err := cause.Read("x", []byte(`[1]`)); err == nil {
		t.Error("arguments that are no object are accepted")
	}
}

func FuzzRead(f *testing.F) {
	f.Add("no-file", `{}`)
	f.Add("x", `{"a":{"code":"y"},"b":[{"code":"z"}],"c":1e400}`)
	f.Fuzz(func(t *testing.T, code, args string) {
		c, err := cause.Read(cause.Code(code), []byte(args))
		if err != nil {
			return
		}
		c.Args()
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back cause.Cause
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
	})
}
