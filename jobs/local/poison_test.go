package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/report"
)

// poisoned in the environment lists segments that kill the process which reads them, as a file does that takes
// more memory than there is. An entry is the word of the process, a colon and the end of the segment's name. The
// word is task, or any. Only the test binary knows the variable.
const poisoned = "NVR_TEST_POISON"

// beforePoison makes this process die when it asks for a byte of a segment of the list.
func beforePoison(list string) {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		panic("the default transport is another one")
	}
	proxy := transport.Proxy
	transport.Proxy = func(r *http.Request) (*url.URL, error) { // it is asked before each request
		for entry := range strings.SplitSeq(list, ",") {
			word, segment, _ := strings.Cut(entry, ":")
			mine := word == "any" || len(os.Args) > 1 && os.Args[1] == word
			if mine && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, segment) {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}
		return proxy(r)
	}
}

// The rooms of the records whose screen kills its workers.
const (
	roomKillsAny  = "508" // every worker that reads it
	roomKillsTask = "509" // the tasks of the job merge only
)

// poison adds two records that kill their workers, each time at the same place.
func (c *chaos) poison() {
	for _, room := range []string{roomKillsAny, roomKillsTask} {
		c.room(room)
		id := c.record(room, "Poison "+room, "10:00", "10:01", "")
		c.poisons[id] = room
		c.records++
	}
}

// poisonList is the value of [poisoned] for the two rooms.
func poisonList() string {
	const screen = "_21.mp4"
	return fmt.Sprintf("any:_10:00_%s%s,task:_10:00_%s%s", roomKillsAny, screen, roomKillsTask, screen)
}

// countBeside notes how many other records have ended while one that kills its workers has not.
func (c *chaos) countBeside(rows []row) {
	others, open := 0, false
	for _, r := range rows {
		ended := r.Step == "done" || r.Step == "failed"
		if _, deadly := c.poisons[r.ID]; deadly {
			open = open || !ended
		} else if ended {
			others++
		}
	}
	if open {
		c.beside = max(c.beside, others)
	}
}

// checkPoison looks whether a record that kills its workers is done without the segment, which its report
// names, or has failed with its name. No other record lacks a segment for that reason.
func (c *chaos) checkPoison(r row) {
	c.Helper()
	room, deadly := c.poisons[r.ID]
	if r.Step == "failed" {
		named := strings.Contains(r.Reason, string(cause.CodeWorkersDiedOn)) && strings.Contains(r.Reason, "_21.mp4")
		if blamed := strings.Contains(r.Reason, "workers-died"); deadly && !named || !deadly && blamed {
			c.Errorf("record %d of room %s has failed: %s", r.ID, room, r.Reason)
		}
		return
	}
	var made report.Report
	c.ask(&made, http.MethodGet, "/api/v1/records/"+strconv.FormatInt(r.ID, 10)+"/report", "", "key", c.apiKey)
	left := slices.ContainsFunc(made.Gaps, func(gap report.Gap) bool {
		return gap.Code == cause.CodeFileStopsWorkers
	})
	if left != deadly {
		c.Errorf("record %d of room %q has the gaps %+v", r.ID, room, made.Gaps)
	}
	if deadly {
		c.Logf("record %d of room %s is done with %d gaps; %d others ended before", r.ID, room, len(made.Gaps), c.beside)
	}
}
