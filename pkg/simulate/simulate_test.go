package simulate_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/nvr-miem/merger/pkg/simulate"
)

const root = "../.."

// few is a morning of a few rooms with four places for merges.
func few() simulate.Scenario {
	return simulate.Scenario{
		Name:   "few",
		Rooms:  12,
		Days:   1,
		Size:   "small",
		Users:  2,
		Limits: simulate.Google(),
		Seed:   7,
		Slots:  []simulate.Slot{{Start: "09:30", End: "10:50", Held: 1}},
	}
}

func run(t *testing.T, s simulate.Scenario) *simulate.Result {
	t.Helper()
	costs, err := simulate.Measured(root)
	if err != nil {
		t.Fatal(err)
	}
	r, err := simulate.Run(t.Context(), s, costs, root)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func csv(t *testing.T, r *simulate.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := simulate.WriteCSV(&b, []simulate.Scenario{r.Scenario}, map[string]simulate.Row{r.Scenario.Name: r.Row()}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEveryRecordEndsOnce(t *testing.T) {
	t.Parallel()
	r := run(t, few())
	if r.Asked != 12 || r.Delivered != 12 || r.Failed != 0 || r.Twice != 0 || r.Within != 1 {
		t.Errorf(
			"%d asked, %d delivered, %d failed, %d merged twice, %.2f in time",
			r.Asked, r.Delivered, r.Failed, r.Twice, r.Within,
		)
	}
	// Four merges of eight slices each.
	if r.Peak.Tasks > 4*8 {
		t.Errorf("%d tasks at once", r.Peak.Tasks)
	}
	if again := csv(t, run(t, few())); again != csv(t, r) {
		t.Errorf("another run of the same seed came to something else:\n%s\n%s", again, csv(t, r))
	}
}

func TestQuotaDelays(t *testing.T) {
	t.Parallel()
	s := few()
	s.Limits.UploadBytes = 6_000_000_000 // of twelve videos of 1.6 GB
	s.Users = 1
	r := run(t, s)
	if r.Failed != 0 || r.Max < 12*time.Hour {
		t.Errorf(
			"beyond the daily limit: %d failed, the last after %v: want all, and a day later",
			r.Failed, r.Max,
		)
	}
	s.Users = 4
	if shared := run(t, s); shared.Within != 1 {
		t.Errorf("shared by four users: %.2f in time", shared.Within)
	}
}

func TestFewerTasksDelay(t *testing.T) {
	t.Parallel()
	s := few()
	full := run(t, s)
	s.Limits.Tasks = 4
	if slow := run(t, s); slow.P99 <= full.P99 || slow.Failed != 0 || slow.Peak.Tasks > 4 {
		t.Errorf(
			"with 4 tasks p99 is %v, %d failed, %d at once; with all %v",
			slow.P99, slow.Failed, slow.Peak.Tasks, full.P99,
		)
	}
}

func TestLostRegion(t *testing.T) {
	t.Parallel()
	s := few()
	s.Region = simulate.Outage{From: 11*time.Hour + 10*time.Minute, To: 13 * time.Hour}
	if r := run(t, s); r.Delivered != r.Asked || r.P99 < 2*time.Hour {
		t.Errorf("%d of %d delivered, p99 %v", r.Delivered, r.Asked, r.P99)
	}
}

func TestOneRoomDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	s := few()
	plain := run(t, s)
	s.Bulk = simulate.Bulk{At: 10*time.Hour + 20*time.Minute, Rooms: 1, Records: 60}
	if r := run(t, s); r.Delivered != r.Asked || r.P50 > plain.P50+30*time.Minute {
		t.Errorf(
			"beside 60 old records of one room: %d of %d delivered, half of the others after %v; without them %v",
			r.Delivered, r.Asked, r.P50, plain.P50,
		)
	}
}

func TestStandbyClaims(t *testing.T) {
	t.Parallel()
	s := few()
	s.Claim = simulate.Outage{From: 9 * time.Hour, To: 20 * time.Hour}
	if r := run(t, s); r.Within != 1 {
		t.Errorf("with standby: %.2f in time, p50 %v", r.Within, r.P50)
	}
	s.Standby = s.Claim
	if r := run(t, s); r.Within != 0 || r.Delivered != r.Asked {
		t.Errorf("without: %.2f in time, %d of %d delivered", r.Within, r.Delivered, r.Asked)
	}
}

func TestDeploymentsShareTheRooms(t *testing.T) {
	t.Parallel()
	s := few()
	s.Deployments = 3
	r := run(t, s)
	if r.Asked != 12 || r.Delivered != 12 || r.Within != 1 || r.Hours < 15.9 || r.Hours > 16.1 {
		t.Errorf(
			"%d asked, %d delivered, %.2f in time, %.1f hours",
			r.Asked, r.Delivered, r.Within, r.Hours,
		)
	}
	// Of each four records that end together, 15 and more tasks run at once.
	if whole := run(t, few()); r.Peak.Tasks <= whole.Peak.Tasks || r.Max > whole.Max {
		t.Errorf(
			"three deployments: %d tasks, the last after %v; one: %d, %v",
			r.Peak.Tasks, r.Max, whole.Peak.Tasks, whole.Max,
		)
	}
}
