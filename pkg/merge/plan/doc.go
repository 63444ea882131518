// Package plan holds every decision about a merge: which file each pane shows in each frame, whose sound is
// heard, how loud, and how the record is cut into slices. It is pure: values come in, values go out.
//
// The same plan gives the same frames and the same samples. plan.json is a plan's JSON.
package plan
