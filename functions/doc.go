// Package functions holds the deployed entry points, one file per function. A function reads a request,
// calls one method of the pipeline, and answers by the kind of the result.
//
//	form       a person's browser, behind sign-in            ─► records
//	api        the NVR's clients, programs, Calendar's hints ─► records, topic calendar
//	calendar   Scheduler every 5 minutes, topic calendar     ─► records
//	claim      Scheduler every 30 minutes, every minute with ?recover ─► topic stage (upload, link)
//	standby    Scheduler every 5 minutes: claim's work, if claim has not run
//	stage      topic stage   ─► plan.json, the Cloud Run Job merge (jobs/merge) ─► topic upload
//	upload     topic upload  ─► Drive ─► topic link
//	link       topic link    ─► Calendar, Classroom, notice
//	fail       topic fail: dead letters of all the others    ─► the record fails with a reason
//
// All are HTTP functions in one image. As with Google's Functions Framework, FUNCTION_TARGET names the
// function of a process, and PORT its port. Start with [New].
package functions
