// Package simulate runs weeks of a deployment in minutes. It runs the real claim, retry and database code
// under a virtual clock. Work only takes time, and Google's quotas limit it.
//
// The real parts are [pipeline.Pipeline.Claim], Recover, Settle and Fail, package store with a SQLite file,
// package app with the defaults of package config, and the tfvars of terraform/examples. The real clients
// call a fake Pub/Sub that accepts publishes and a fake Admin API that lists executions. Pushes, instances,
// tasks, quotas and recorders are events on the clock. No video is read or written.
//
// One goroutine moves the clock, and all random numbers come from one seed. The same scenario therefore
// gives the same bytes. Start with [Run]. scenario.go holds the scenarios, limits.go the numbers of Google.
package simulate
