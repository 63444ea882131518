package records

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
)

// maxSearched is the length of the longest text that is searched for, in characters.
const maxSearched = 100

// Search is what a list of records is filtered by. Empty fields select all.
type Search struct {
	Text   string // part of the title, the room or the requester's address
	Room   string
	Course string // part of the course's name or code
	State  State
	From   string // YYYY-MM-DD, included
	To     string // YYYY-MM-DD, included
}

// IsSearchText reports whether a text can be searched for.
func IsSearchText(text string) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= maxSearched
}

// ReadSearch reads the parameters q, room, course, state, from and to of a query. It leaves out invalid ones.
func ReadSearch(query url.Values) Search {
	var search Search
	read := func(name string, into *string, valid func(string) bool) {
		value := strings.TrimSpace(query.Get(name))
		if value == "" || valid(value) {
			*into = value
		}
	}
	isDate := func(s string) bool { return CheckDate(s) == "" }
	read("q", &search.Text, IsSearchText)
	read("room", &search.Room, utf8.ValidString)
	read("course", &search.Course, IsSearchText)
	read("state", (*string)(&search.State), func(s string) bool { return StepsOf(State(s)) != nil })
	read("from", &search.From, isDate)
	read("to", &search.To, isDate)
	return search
}

// Filter returns the part of a search that the database applies.
func (q Search) Filter() store.Filter {
	return store.Filter{
		Text:   q.Text,
		Room:   q.Room,
		Course: q.Course,
		From:   q.From,
		To:     q.To,
		Steps:  StepsOf(q.State),
	}
}

// IsEmpty reports whether a search selects all.
func (q Search) IsEmpty() bool { return q == Search{} }

// Values returns the parameters of a search.
func (q Search) Values() url.Values {
	values := url.Values{}
	for name, value := range map[string]string{
		"q": q.Text, "room": q.Room, "course": q.Course, "state": string(q.State), "from": q.From, "to": q.To,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}

// StepsOf returns the steps on which a record can be in a state. It is nil for an unknown state.
func StepsOf(state State) []nvr.Step {
	switch state {
	case Waiting:
		return []nvr.Step{nvr.StepStage}
	case Queued:
		// An operator may have reset a row on any of these steps.
		return []nvr.Step{nvr.StepStage, nvr.StepMerge, nvr.StepUpload, nvr.StepLink, nvr.StepDone}
	case Merging:
		return []nvr.Step{nvr.StepMerge}
	case Uploading:
		return []nvr.Step{nvr.StepUpload}
	case Linking:
		return []nvr.Step{nvr.StepLink}
	case Done:
		return []nvr.Step{nvr.StepDone}
	case Failed:
		return []nvr.Step{nvr.StepFailed}
	case Withdrawn:
		return []nvr.Step{nvr.StepWithdrawn}
	}
	return nil
}

// States returns all states, in the order in which a record passes them.
func States() []State {
	return []State{Waiting, Queued, Merging, Uploading, Linking, Done, Failed, Withdrawn}
}
