package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// loadRecords is how many records go through; see `make load`.
const loadRecords = "LOAD_RECORDS"

// What runs at once, and how far waits are divided: the scheduler frees places every ten seconds, as many as
// two cores can fill, and does not take a share of them worth speaking of.
const (
	loadMerges = 60
	loadScale  = "30"
	loadRooms  = 20
)

// Between two samples, and how long no record may be done before it is said that none ever will.
const (
	lookEvery  = 5 * time.Second
	loadStalls = 5 * time.Minute
)

// load is a serve that is given many records, and what was seen of it.
type load struct {
	*served
	holds   string // folder where its processes say what they hold
	records int
	began   time.Time
	samples []loadSample
}

// loadSample is what was seen at one time.
type loadSample struct {
	at        time.Duration
	done      int
	serve     holding       // with the stand-ins, which hold all that Google would
	functions holding       // of all functions together
	idle      time.Duration // of the machine's cores
}

// TestLoad brings many records through the whole pipeline, with the real functions in their processes and
// only the rendering faked, and looks whether the last ones cost what the first ones did. It writes what it
// saw to docs/.
func TestLoad(t *testing.T) {
	records := int(number64(loadRecords, 0))
	if testing.Short() || records == 0 {
		t.Skip("it takes most of an hour: make load")
	}
	l := &load{holds: t.TempDir(), records: records}
	t.Setenv(underLoad, l.holds)
	var rooms []string
	for i := range loadRooms {
		rooms = append(rooms, strconv.Itoa(501+i))
	}
	l.served = newServed(t, rooms...)
	l.flags = append(
		l.flags,
		"--max-merges",
		strconv.Itoa(loadMerges),
		"--time-scale",
		loadScale,
		"--size",
		"128x36",
	)
	l.up()
	l.room(rooms[0])
	l.reaches(
		l.record(rooms[0], "The part of all", "10:00", "10:01", ""),
		"done",
	) // renders what all others are given
	for _, room := range rooms[1:] {
		l.room(room)
	}
	l.prepare(rooms)
	l.watch()
	l.check()
	l.write("../../docs")
}

// prepare makes the records: every second of an event, whose video is attached to it and announced.
func (l *load) prepare(rooms []string) {
	codes := map[string]string{}
	for _, room := range rooms {
		_, codes[room] = l.newCourse("Course of " + room)
	}
	for i := range l.records {
		room, title := rooms[i/2%len(rooms)], fmt.Sprintf("Load %d", i)
		if i%2 == 0 {
			l.event(room, title, codes[room])
		} else {
			l.record(room, title, "10:00", "10:01", "")
		}
	}
	l.call(http.StatusNoContent, http.MethodPost, "/functions/calendar", "")
	l.began = time.Now()
	l.call(http.StatusNoContent, http.MethodPost, "/functions/claim", "")
}

// watch takes samples until all records are done.
func (l *load) watch() {
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	moved := time.Now()
	for {
		done, failed := l.ended()
		if failed > 0 {
			l.Fatalf("%d records have failed: %+v", failed, l.rows())
		}
		if n := len(l.samples); n > 0 && done > l.samples[n-1].done {
			moved = time.Now()
		}
		l.sample(done)
		if done >= l.records {
			return
		}
		if time.Since(moved) > loadStalls {
			l.Fatalf("nothing moves at %d records", done)
		}
		<-every.C
	}
}

// ended counts the records that came to an end, without the one that rendered for all.
func (l *load) ended() (done, failed int) {
	l.sql(func(db *sql.DB) error {
		return db.QueryRowContext(
			l.Context(),
			"select count(*) filter (where step = 'done') - 1, count(*) filter (where step = 'failed') from records",
		).Scan(&done, &failed)
	})
	return done, failed
}

func (l *load) sample(done int) {
	all, err := holdings(l.holds)
	if err != nil {
		l.Fatal(err)
	}
	s := loadSample{
		at:        time.Since(l.began),
		done:      done,
		functions: holding{Name: "functions"},
		idle:      idle(l.T),
	}
	for _, h := range all {
		if h.Name == "serve" {
			s.serve = h
			continue
		}
		s.functions.CPU += h.CPU
		s.functions.RSS += h.RSS
		s.functions.Heap += h.Heap
		s.functions.Goroutines += h.Goroutines
	}
	l.samples = append(l.samples, s)
	if len(l.samples)%12 == 1 {
		l.Logf("%5.0f s: %d done; %v", s.at.Seconds(), done, all)
	}
}

// idle is how long the machine's cores have had nothing to do, all together.
func idle(t *testing.T) time.Duration {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	var user, nice, system, idle, waiting time.Duration
	if _, err := fmt.Sscanf(string(text), "cpu %d %d %d %d %d", &user, &nice, &system, &idle, &waiting); err != nil {
		t.Fatal(err)
	}
	return (idle + waiting) * time.Second / 100
}

// stretch is what was seen while some of the records were done.
type stretch []loadSample

// between are the samples from the time at which so many records were done to the time at which so many were.
func (l *load) between(from, until int) stretch {
	var s stretch
	for _, sample := range l.samples {
		if sample.done >= from && sample.done <= until {
			s = append(s, sample)
		}
	}
	if len(s) < 3 {
		l.Fatalf(
			"only %d samples while the records %d to %d were done: take more records",
			len(s), from, until,
		)
	}
	return s
}

// perSecond is how many records were done in a second.
func (s stretch) perSecond() float64 {
	first, last := s[0], s[len(s)-1]
	return float64(last.done-first.done) / (last.at - first.at).Seconds()
}

// each is how many seconds of a core a record took, all processes together.
func (s stretch) each() float64 {
	first, last := s[0], s[len(s)-1]
	return (last.serve.CPU + last.functions.CPU - first.serve.CPU - first.functions.CPU).Seconds() / float64(max(1, last.done-first.done))
}

// waits is each with what the cores had nothing to do: the work of others on the machine is left out, and
// waiting for one another is not.
func (s stretch) waits() float64 {
	first, last := s[0], s[len(s)-1]
	return s.each() + (last.idle-first.idle).Seconds()/float64(max(1, last.done-first.done))
}

// middle is the median of something.
func (s stretch) middle(of func(loadSample) int64) float64 {
	var all []int64
	for _, sample := range s {
		all = append(all, of(sample))
	}
	slices.Sort(all)
	return float64(all[len(all)/2])
}

// What may grow, and by how much: serve by what its stand-ins hold of a record, as Google would for ever.
// What a record takes of the cores follows what else the machine does; if it followed the number of records, it
// would be more than twice as much in the last quarter as in the second.
const (
	mostMore       = 1.5
	mostGrowth     = 1.1
	heapOfARecord  = 32 << 10
	memoryOfRecord = 2 * heapOfARecord // a collection begins when the heap has doubled
)

// check holds the last quarter of the records against the second: the first warms up, and the very last
// records leave places empty.
func (l *load) check() {
	full := l.records - loadMerges
	second, last := l.between(full/4, full/2), l.between(full*3/4, full)
	l.Logf(
		"%.2f records a second in the second quarter, %.2f in the last",
		second.perSecond(), last.perSecond(),
	)
	l.Logf(
		"%.3f seconds of a core a record in the second quarter, %.3f in the last",
		second.each(), last.each(),
	)
	l.Logf("%.3f with what the cores waited, %.3f in the last", second.waits(), last.waits())
	if last.each() > mostMore*second.each() || last.waits() > mostMore*second.waits() {
		l.Errorf("the last records take longer than those before them")
	}
	between := float64(full / 2)
	for _, c := range []struct {
		what  string
		of    func(loadSample) int64
		extra float64 // for what the stand-ins hold
	}{
		{
			"goroutines of the functions",
			func(s loadSample) int64 { return s.functions.Goroutines },
			0,
		},
		{"goroutines of serve", func(s loadSample) int64 { return s.serve.Goroutines }, 0},
		{"heap of the functions", func(s loadSample) int64 { return s.functions.Heap }, 0},
		{
			"heap of serve",
			func(s loadSample) int64 { return s.serve.Heap },
			between * heapOfARecord,
		},
		{"memory of the functions", func(s loadSample) int64 { return s.functions.RSS }, 0},
		{
			"memory of serve",
			func(s loadSample) int64 { return s.serve.RSS },
			between * memoryOfRecord,
		},
	} {
		was, is := second.middle(c.of), last.middle(c.of)
		l.Logf("%s: %.0f in the second quarter, %.0f in the last", c.what, was, is)
		if is > mostGrowth*was+c.extra {
			l.Errorf("it grows")
		}
	}
}
