// Package plan decides which file each pane shows in each frame, the chapters, and how the record is cut into
// slices. Package sound chooses the source of the sound and its gain, and package merge measures the lags
// between recorders; their decisions are part of the plan, too. The package is pure: values come in, values
// go out.
//
// The same plan gives the same frames and the same samples. plan.json is a plan's JSON.
package plan
