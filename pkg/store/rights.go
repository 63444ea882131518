package store

import (
	"slices"
	"strings"
)

// all stands for the columns of a whole table, including those that a later version adds.
const all = ""

// notOurs stands for the columns of a table that no migration has added: those of the NVR.
const notOurs = "*"

// The columns of records that components write.
const (
	requestColumns = "event_name, room_name, date, start_time, end_time, user_email, event_id, layout, held," +
		" asked_at"

	editColumns = "edits, revision"

	stateColumns = "step, failed_step, attempt, tries, turn, holder, lease_until, due_at, dated, starts, done," +
		" processing, progress, reason, cause, asked_at, release_at"

	resultColumns = "digest, file_id, link, course, share"
)

// workers are the components that change the state of records.
const workers = "form, api, calendar, claim, standby, stage, merge, upload, link, fail, doctor"

// right is what components may do with tables. All fields are lists, separated by a comma and a space.
type right struct {
	tables, privileges, columns, components string
}

// NVR is the name by which [rights] lists the NVR itself.
const NVR = "nvr"

// rights lists all rights of all components: a component may do what a row says, and nothing else. The names
// are those of terraform/accounts.tf. Migrate is missing: it owns the database.
//
// The secrets are sources.rtsp, users.api_key, the session of merger_uploads and the hashes of
// merger_channels.token, merger_api_keys.hash, merger_requests and merger_event_members.members. Doctor is
// the operators' command line: it lists and changes rooms and keys, retries, erases and verifies.
//
// An update, or a delete with a condition, also needs select on the columns that it reads. MySQL's replace
// needs insert and delete, and "for update" needs an update of any column.
//
// Remove a right one release after the last statement that used it: the former release runs with the rights
// of the newer one until it is replaced, and again after a rollback.
func rights() []right {
	return []right{
		{"records", "select", all, workers + ", verify"},
		{"records", "insert", requestColumns, "form, api, calendar"},
		{"records", "update", requestColumns, "form, api, calendar"},
		{"records", "update", editColumns, "form, api, calendar"},
		{"records", "update", "edits, held", "claim, standby"}, // release held records
		{"records", "update", stateColumns, workers},
		{"records", "update", resultColumns, "stage, merge, upload, link"},
		{"records", "update", "user_email, event_name", "doctor"}, // erases a person

		{"rooms, sources, room_settings", "select", all, workers + ", verify"},
		{"rooms", "insert, update", all, "form, doctor"},
		{"rooms", "delete", all, "doctor"},
		{"sources", "insert, update, delete", all, "form, doctor"},
		{"room_settings", "insert, delete", all, "form, doctor"},

		{"users", "select", "id, email, api_key", "doctor"}, // imports the NVR's keys
		{"users", "update", "api_key", "doctor"},

		{"merger_effects", "select, insert", all, "form, claim, standby, stage, merge, upload, link, fail"},
		{"merger_effects", "update", "value", "form, api, claim, standby, stage, merge, upload, link, fail"},
		{"merger_effects", "select", "record_id, kind", "api"},
		{"merger_effects", "select, delete", all, "doctor"},

		{"merger_uploads", "select, insert, delete", all, "upload"},
		{"merger_uploads", "select", "record_id, file_id, md5, size", "doctor, verify"},
		{"merger_uploads", "delete", all, "doctor"},

		{"merger_slices", "select, insert, delete", all, "merge"},
		{"merger_slices", "select, delete", all, "doctor"},

		{"merger_events", "select, insert, update", all, "calendar"},

		{"merger_event_members", "select", all, "form, api"},
		{"merger_event_members", "select, insert, delete", all, "calendar"},
		{"merger_event_members", "select, update", "members", "doctor"},

		{"merger_opt_outs", "select", all, "form, api, claim, standby, stage, merge, upload, link"},
		{"merger_opt_outs", "select, insert, update, delete", all, "calendar"},
		{"merger_opt_outs", "insert, delete", all, "upload"},
		{"merger_opt_outs", "update", "told", "claim, standby"},
		{"merger_opt_outs", "select, update", "organizer", "doctor"},

		{"merger_requests", "select, insert", all, "form, api"},
		{"merger_requests", "select", "created_at", "calendar"},
		{"merger_requests", "delete", all, "calendar, doctor"},
		{"merger_requests", "select", "record_id", "doctor"},

		{"merger_channels", "select", all, "api"},
		{"merger_channels", "select, insert, delete", all, "calendar"},

		{"merger_api_keys", "select", all, "api"},
		{"merger_api_keys", "select, insert, update, delete", all, "doctor"},

		{"merger_segments", "select", all, "form, api, claim, standby, doctor"},
		{"merger_segments", "select, insert, update, delete", all, "calendar"},
		{"merger_segments", "select", "room, date, time, source, generation", "stage"},
		{"merger_segments", "update", "look", "stage"},

		{"merger_runs", "select, insert, delete", all, "claim, standby"},

		{versionTable, "select", all, "doctor, verify"},

		{"records", "select", all, NVR},
		{"records", "insert, update", notOurs, NVR},
		{"rooms, sources, users", "select, insert, update", all, NVR},
	}
}

// rightsOf returns the rights of one component, of which there are none if it is unknown.
func rightsOf(component string) []right {
	var found []right
	for _, r := range rights() {
		for name := range strings.SplitSeq(r.components, ", ") {
			if name == component {
				found = append(found, r)
			}
		}
	}
	return found
}

// Components returns the names of all components that have rights, sorted.
func Components() []string {
	var names []string
	for _, r := range rights() {
		names = append(names, strings.Split(r.components, ", ")...)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == NVR })
}
