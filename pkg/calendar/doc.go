// Package calendar reads a room's calendar as a person would: which events ask for a recording,
// of what window, for whom, and which course they name.
//
// It is pure: events come in as the calendar's API gives them, wishes and refusals go out. It knows
// no network, no database and no clock. Instants become room time here, by the room's zone and
// never by the event's. Start with [Read]; [CourseCode] reads a description.
package calendar
