// Package simulate runs weeks of a deployment in minutes: the project's own claim, retry and database
// code under a virtual clock, with work that only takes time and with Google's quotas around it.
//
// Real are [pipeline.Pipeline.Claim], Recover, Settle and Fail, all of package store (in a file of
// SQLite), the wiring of package wire with the defaults of package config, and what the tfvars of
// terraform/examples say. Of the outside there are a Pub/Sub that takes publishes and an Admin API that
// lists executions, both spoken to by the real clients; pushes, instances, tasks, quotas and the
// recorders are events on the clock. Nothing here looks at a picture or moves a byte.
//
// One goroutine moves the clock, chance comes from one seed: the same scenario gives the same bytes.
// Start with [Run]; the scenarios are data in scenarios.go, Google's numbers stand in limits.go.
package simulate
