package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/store/storetest"
)

// fill inserts rows fast, past the store.
func (r rig) fill(t testing.TB, count int, columns, row string) {
	t.Helper()
	db := open(t, r.dsn)
	defer func() { ok(t, db.Close()) }()
	for count > 0 {
		batch := min(count, 1000)
		must(db.Exec(`insert into records (` + columns + `) values ` + row + strings.Repeat(`, `+row, batch-1)))(t)
		count -= batch
	}
}

func TestSixteenClaimers(t *testing.T) {
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		rows := 5000
		if testing.Short() {
			rows = 500
		}
		r.fill(
			t,
			rows,
			`room_name, date, start_time, end_time, user_email`,
			`('504', '2026-11-20', '10:00', '11:00', 'a@example.org')`,
		)
		claims := make(chan nvr.Claim, 2*rows)
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if err := r.claimAll(ctx, claims); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		close(claims)
		seen := map[int64]bool{}
		for claim := range claims {
			if seen[claim.Record] || claim.Attempt != 1 {
				t.Fatalf("record %d was claimed twice, as attempt %d", claim.Record, claim.Attempt)
			}
			seen[claim.Record] = true
		}
		if len(seen) != rows {
			t.Errorf("%d claimed, want %d", len(seen), rows)
		}
	})
}

// claimAll is a claimer: until nothing is left it takes what it finds, one by one or many at once.
func (r rig) claimAll(ctx context.Context, claims chan<- nvr.Claim) error {
	for {
		free, err := r.Queue.DueUnscheduledFirst(ctx, 400)
		if err != nil || len(free) == 0 {
			return err
		}
		rand.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
		single := free[:min(len(free), 5)]
		for _, record := range single {
			claim, err := r.Queue.Claim(ctx, record, nvr.StepStage, lease)
			switch {
			case err == nil:
				claims <- claim
			case !errors.Is(err, fault.ErrStale):
				return err
			}
		}
		many, err := r.Queue.ClaimAll(ctx, 1000, free[len(single):min(len(free), 100)], always)
		if err != nil {
			return err
		}
		for _, claim := range many {
			claims <- claim
		}
	}
}

// TestOthersInsertMeanwhile has other processes insert as the NVR does while this one writes.
func TestOthersInsertMeanwhile(t *testing.T) {
	if dsn, child := os.LookupEnv("STORE_TEST_INSERT_INTO"); child {
		for i := range 50 {
			rig{dsn: dsn}.sql(
				t,
				`insert into records (room_name, date, start_time, end_time, user_email) values ('504', '2026-11-20', '10:00', '11:00', ?)`,
				fmt.Sprint(i),
			)
		}
		return
	}
	onEach(t, func(t *testing.T, r rig) {
		ctx := context.Background()
		self := must(os.Executable())(t)
		var all sync.WaitGroup
		for range 2 {
			child := exec.Command(self, "-test.run=^TestOthersInsertMeanwhile$", "-test.count=1")
			child.Env = append(os.Environ(), "STORE_TEST_INSERT_INTO="+r.dsn)
			all.Go(func() {
				if out, err := child.CombinedOutput(); err != nil {
					t.Errorf("%v: %s", err, out)
				}
			})
		}
		stop := make(chan struct{})
		var writers sync.WaitGroup
		for range 4 {
			writers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if _, _, err := r.Requests.Insert(ctx, lecture(), &store.IdempotencyKey{
						Owner: "x",
						Key:   fmt.Sprint(rand.Int()),
					}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		close(stop)
		writers.Wait()
		if got := r.texts(t, `select user_email from records where user_email <> 'a@example.org'`); len(got) != 100 {
			t.Errorf("%d of the others' rows, want 100", len(got))
		}
	})
}

// million is a database with a million finished records and some that are due.
func million(b *testing.B, dsn string, due int) rig {
	b.Helper()
	r := rig{dsn: dsn, clock: storetest.NewClock()}
	r.Store = storetest.Open(b, r.dsn, store.Options{Now: r.clock.Now})
	const columns = `room_name, date, start_time, end_time, user_email, done, processing, step, due_at, dated`
	r.fill(
		b,
		900_000,
		columns,
		`('504', '2025-11-20', '10:00', '11:00', 'a@example.org', 1, 0, 'done', 0, '')`,
	)
	r.fill(
		b,
		100_000,
		columns,
		`('504', '2025-11-20', '10:00', '11:00', 'a@example.org', 0, 0, 'failed', 0, '')`,
	)
	r.fill(
		b,
		due,
		columns,
		`('504', '2026-11-20', '10:00', '11:00', 'a@example.org', 0, 0, 'stage', 1000, '2026-11-2010:0011:00')`,
	)
	return r
}

// BenchmarkClaim takes 500 due records among a million others, as claim does: the look, and the takes all
// at once.
func BenchmarkClaim(b *testing.B) {
	storetest.Measure(b, func(b *testing.B, dsn string) {
		ctx := context.Background()
		r := million(b, dsn, 500)
		var look, take time.Duration
		for b.Loop() {
			start := time.Now()
			free := must(r.Queue.DueUnscheduledFirst(ctx, 500))(b)
			look += time.Since(start)
			if len(free) != 500 {
				b.Fatalf("%d free", len(free))
			}
			start = time.Now()
			claims := must(r.Queue.ClaimAll(ctx, 1000, free, always))(b)
			take += time.Since(start)
			if len(claims) != 500 {
				b.Fatalf("%d claimed", len(claims))
			}
			b.StopTimer()
			db := open(b, r.dsn)
			must(db.Exec(`update records set processing = 0, lease_until = 0, due_at = 1000 where attempt > 0`))(b)
			ok(b, db.Close())
			b.StartTimer()
		}
		b.ReportMetric(float64(look.Microseconds())/float64(b.N)/1000, "look-ms/op")
		b.ReportMetric(float64(take.Microseconds())/float64(b.N)/1000, "take-ms/op")
		if each := (look + take) / time.Duration(b.N); each > 50*time.Millisecond {
			b.Errorf("a claim takes %v of the database, want 50 ms at most", each)
		}
	})
}

// BenchmarkDayStrip reads one day of a room with three years of footage.
func BenchmarkDayStrip(b *testing.B) {
	storetest.Measure(b, func(b *testing.B, dsn string) {
		ctx := context.Background()
		r := rig{dsn: dsn, clock: storetest.NewClock()}
		r.Store = storetest.Open(b, r.dsn, store.Options{Now: r.clock.Now})
		first := time.Date(2023, 11, 21, 0, 0, 0, 0, time.UTC)
		for day := range 3 * 365 {
			date := first.AddDate(0, 0, day).Format(time.DateOnly)
			var segments []store.Segment
			for half := range 48 {
				for source := 24; source < 28; source++ {
					segments = append(segments, store.Segment{
						Bytes:      1 << 28,
						Generation: 1,
						Name: nvr.SegmentName{
							Room:   "504",
							Date:   date,
							Time:   fmt.Sprintf("%02d:%02d", half/2, half%2*30),
							Source: fmt.Sprint(source),
						},
					})
				}
			}
			must(r.Segments.Index(ctx, "504", date, segments))(b)
		}
		day := 0
		for b.Loop() {
			day += 37
			segments := must(r.Segments.On(
				ctx,
				"504",
				first.AddDate(0, 0, day%1095).Format(time.DateOnly),
			))(b)
			if len(segments) != 192 {
				b.Fatalf("%d segments", len(segments))
			}
		}
	})
}
