package call_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nvr-miem/merger/pkg/call"
	"github.com/nvr-miem/merger/pkg/fault"
)

var (
	errBusy    = errors.New("busy")
	errRefused = errors.New("refused")
	errMissing = errors.New("missing")
)

// read is the policy's table for the errors above.
func read(err error) call.Failure {
	switch {
	case errors.Is(err, errRefused):
		return call.Failure{Kind: fault.Permanent, Status: http.StatusForbidden}
	case errors.Is(err, errMissing):
		return call.Failure{Kind: fault.Expected, Status: http.StatusNotFound}
	}
	return call.Failure{Kind: fault.Retryable, Status: http.StatusServiceUnavailable}
}

// inTurn returns a try that fails with each of the errors in turn, and how often it was called.
func inTurn(errs ...error) (try func(context.Context) error, calls *int) {
	calls = new(int)
	return func(context.Context) error {
		*calls++
		return errs[min(*calls, len(errs))-1]
	}, calls
}

func TestDoRepeatsUntilTheKindEndsIt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		errs     []error
		calls    int
		want     error
		observed []string
	}{
		"success": {errs: []error{nil}, calls: 1},
		"recovers": {
			errs:     []error{errBusy, errBusy, nil},
			calls:    3,
			observed: []string{"m 503 true", "m 503 true"},
		},
		"permanent": {
			errs:     []error{errBusy, errRefused},
			calls:    2,
			want:     errRefused,
			observed: []string{"m 503 true", "m 403 false"},
		},
		"expected": {errs: []error{errMissing}, calls: 1, want: errMissing},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var observed []string
			policy := call.Policy{
				Read:  read,
				Pause: func(context.Context, time.Duration) error { return nil },
				Observe: func(_ context.Context, name string, status int, again bool, _ error) {
					observed = append(observed, fmt.Sprint(name, " ", status, " ", again))
				},
			}
			try, calls := inTurn(tt.errs...)
			if err := call.Do(t.Context(), policy, "m", try); !errors.Is(err, tt.want) {
				t.Errorf("error = %v, want %v", err, tt.want)
			}
			if *calls != tt.calls {
				t.Errorf("%d calls, want %d", *calls, tt.calls)
			}
			if diff := cmp.Diff(tt.observed, observed); diff != "" {
				t.Errorf("observed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDoStopsWhenThePolicyIsExhausted(t *testing.T) {
	t.Parallel()
	t.Run("tries", func(t *testing.T) {
		t.Parallel()
		last := []bool{}
		policy := call.Policy{
			MaxTries: 3,
			Pause:    func(context.Context, time.Duration) error { return nil },
			Observe: func(_ context.Context, _ string, _ int, again bool, _ error) {
				last = append(last, again)
			},
		}
		try, calls := inTurn(errBusy)
		if err := call.Do(t.Context(), policy, "m", try); !errors.Is(err, errBusy) {
			t.Errorf("error = %v, want %v", err, errBusy)
		}
		if *calls != 3 {
			t.Errorf("%d calls, want 3", *calls)
		}
		if diff := cmp.Diff([]bool{true, true, false}, last); diff != "" {
			t.Errorf("observed again (-want +got):\n%s", diff)
		}
	})
	t.Run("patience", func(t *testing.T) {
		t.Parallel()
		var paused time.Duration
		policy := call.Policy{
			Patience: 30 * time.Second,
			Pause:    func(_ context.Context, d time.Duration) error { paused += d; return nil },
		}
		try, calls := inTurn(errBusy)
		if err := call.Do(t.Context(), policy, "m", try); !errors.Is(err, errBusy) {
			t.Errorf("error = %v, want %v", err, errBusy)
		}
		if *calls < 2 {
			t.Errorf("%d calls, want several", *calls)
		}
		if paused > 30*time.Second {
			t.Errorf("paused for %v, want 30 s at most", paused)
		}
	})
}

func TestPausesAreBoundedAndScaled(t *testing.T) {
	t.Parallel()
	var pauses []time.Duration
	policy := call.Policy{
		FirstPause:   time.Second,
		LongestPause: 4 * time.Second,
		MaxTries:     8,
		Scale:        10,
		Pause: func(_ context.Context, d time.Duration) error {
			pauses = append(pauses, d)
			return nil
		},
	}
	try, _ := inTurn(errBusy)
	_ = call.Do(t.Context(), policy, "m", try)
	for i, pause := range pauses {
		bound := min(time.Second<<i, 4*time.Second) / 10
		if pause < time.Millisecond || pause > bound {
			t.Errorf("pause %d took %v, want 1 ms to %v", i, pause, bound)
		}
	}
	if len(pauses) != 7 {
		t.Errorf("%d pauses between 8 tries", len(pauses))
	}
}

func TestTheServiceMayAskForALongerPause(t *testing.T) {
	t.Parallel()
	asked := 7 * time.Second
	var pauses []time.Duration
	policy := call.Policy{
		Patience:     30 * time.Second,
		LongestPause: time.Second,
		Read:         func(error) call.Failure { return call.Failure{RetryAfter: asked} },
		Pause: func(_ context.Context, d time.Duration) error {
			pauses = append(pauses, d)
			return nil
		},
	}
	try, calls := inTurn(errBusy, nil)
	if err := call.Do(t.Context(), policy, "m", try); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]time.Duration{asked}, pauses); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
	asked, *calls = time.Minute, 0
	if err := call.Do(t.Context(), policy, "m", try); !errors.Is(err, errBusy) {
		t.Errorf("error = %v after a pause beyond the patience, want %v", err, errBusy)
	}
	if *calls != 1 {
		t.Errorf("%d calls, want 1", *calls)
	}
}

func TestTheContextEndsAPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		policy := call.Policy{Read: func(error) call.Failure {
			return call.Failure{RetryAfter: time.Hour}
		}}
		time.AfterFunc(time.Minute, func() { cancel(fault.ErrStale) })
		try, _ := inTurn(errBusy)
		err := call.Do(ctx, policy, "m", try)
		if !errors.Is(err, fault.ErrStale) {
			t.Errorf("error = %v, want the cause of the context", err)
		}
		if !errors.Is(err, errBusy) {
			t.Errorf("error = %v, want the last error, too", err)
		}
	})
}

func TestAFailureAfterTheContextEndedIsNotObserved(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	policy := call.Policy{Observe: func(context.Context, string, int, bool, error) {
		t.Error("observed")
	}}
	err := call.Do(ctx, policy, "m", func(context.Context) error { cancel(); return errBusy })
	if !errors.Is(err, errBusy) {
		t.Errorf("error = %v, want %v", err, errBusy)
	}
}

func TestEveryTryHasItsOwnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		policy := call.Policy{TryTimeout: time.Minute, MaxTries: 2, FirstPause: time.Second}
		begun := time.Now()
		err := call.Do(t.Context(), policy, "m", func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v, want %v", err, context.DeadlineExceeded)
		}
		if took := time.Since(begun); took < 2*time.Minute || took > 2*time.Minute+time.Second {
			t.Errorf("two tries took %v, want 2 min and a pause", took)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		header string
		want   time.Duration
		asked  bool
	}{
		{"", 0, false},
		{"soon", 0, false},
		{"-5", 0, false},
		{"0", 0, true},
		{"120", 2 * time.Minute, true},
		{now.Add(time.Hour).Format(http.TimeFormat), time.Hour, true},
		{now.Add(-time.Hour).Format(http.TimeFormat), 0, true},
	}
	for _, tt := range tests {
		got, asked := call.RetryAfter(http.Header{"Retry-After": {tt.header}}, now)
		if got != tt.want {
			t.Errorf("Retry-After %q = %v, want %v", tt.header, got, tt.want)
		}
		if asked != tt.asked {
			t.Errorf("Retry-After %q asks = %t, want %t", tt.header, asked, tt.asked)
		}
	}
	date := http.Header{"Retry-After": {now.Format(http.TimeFormat)}}
	if _, asked := call.RetryAfter(date, time.Time{}); asked {
		t.Error("a date asks for a pause of a caller without a clock")
	}
}
