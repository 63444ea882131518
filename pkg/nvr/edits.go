package nvr

// Edits are what people changed of a record's request. The row has the new title and the new times, to the
// minute.
type Edits struct {
	StartAfter int `json:"start_after,omitempty"` // seconds from start_time to the start: 0 to 59
	EndBefore  int `json:"end_before,omitempty"`  // seconds from the end to end_time: 0 to 59

	// Course is the course that a person chose in place of the event's. Nil: none was chosen; empty: no course.
	Course *string `json:"course,omitempty"`

	// Forget is set if no former version of the video may stay readable.
	Forget bool `json:"forget,omitempty"`

	// Released is set if a person released the record, although its event asks to hold it.
	Released bool `json:"released,omitempty"`

	// TakenBack is set if the video is to be out of reach: on step link the worker removes it, on step withdrawn
	// that is done. It is the step on which the record was.
	TakenBack Step `json:"taken_back,omitempty"`
	// Barred is set if an operator took the video back: only operators restore it then.
	Barred bool `json:"barred,omitempty"`

	// Asked is what the row held before the first edit. A calendar event that still says it does not undo the
	// edits.
	Asked *Asked `json:"asked,omitempty"`
}

// Asked is the part of a request that edits change.
type Asked struct {
	Title     string `json:"title"`
	Date      string `json:"date"`
	StartTime string `json:"start_time"`
	EndTime   string `json:"end_time"`
	Layout    Layout `json:"layout,omitempty"`
}

// Asked returns the request as it was before people edited it.
func (r *Record) Asked() Asked {
	if r.Edits.Asked != nil {
		return *r.Edits.Asked
	}
	return Asked{
		Title:     r.Title,
		Date:      r.Date,
		StartTime: r.StartTime,
		EndTime:   r.EndTime,
		Layout:    r.Layout,
	}
}
