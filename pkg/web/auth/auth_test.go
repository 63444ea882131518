package auth_test

import (
	"testing"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/web/auth"
)

func TestOwns(t *testing.T) {
	t.Parallel()
	record := &nvr.Record{UserEmail: "Lecturer@example.org", Room: "504"}
	tests := []struct {
		name   string
		caller auth.Caller
		want   bool
	}{
		{"the requester", auth.Caller{Email: "lecturer@example.org"}, true},
		{"another person", auth.Caller{Email: "stranger@example.org"}, false},
		{"an operator", auth.Caller{Email: "operator@example.org", Operator: true}, true},
		{
			"a key of the room",
			auth.Caller{Email: "lecturer@example.org", Rooms: []string{"505", "504"}},
			true,
		},
		{
			"a key of another room",
			auth.Caller{Email: "lecturer@example.org", Rooms: []string{"505"}},
			false,
		},
		{"no person", auth.Caller{}, false},
	}
	for _, test := range tests {
		if got := test.caller.Owns(record); got != test.want {
			t.Errorf("%s: Owns = %t, want %t", test.name, got, test.want)
		}
	}
}

func TestNewUser(t *testing.T) {
	t.Parallel()
	operators := []string{"Operator@example.org"}
	if u := auth.NewUser("operator@Example.org", operators); !u.Operator {
		t.Errorf("%+v, want an operator", u)
	}
	if u := auth.NewUser("lecturer@example.org", operators); u.Operator {
		t.Errorf("%+v, want no operator", u)
	}
}
