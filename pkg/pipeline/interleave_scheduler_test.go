package pipeline

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
)

// scheduler runs actors one at a time. Each actor is a goroutine that stops before every call that leaves its
// process. There the scheduler draws which actor goes on, and what becomes of its call. The draws come from one
// seeded source, so that a seed replays a run exactly.
type scheduler struct {
	rand    *rand.Rand
	faults  bool // whether calls fail and processes die
	parked  chan struct{}
	running atomic.Pointer[actor]
	after   func(*actor, fate) error // is called when the running actor has stopped again
	log     func(format string, args ...any)
}

// actor is a sequence of processes that do the same kind of work.
type actor struct {
	name   string
	act    func(*actor)
	resume chan fate
	call   string // before which it stands
	ended  bool
	killed bool // its process; set until the next one begins
	kill   context.CancelFunc
	holder string // of the record that it works on
}

// fate is what becomes of a call.
type fate string

const (
	served     fate = "served"
	refused    fate = "refused"     // it has no effect and fails
	lost       fate = "lost"        // it has its effect, the answer is lost
	diedBefore fate = "died before" // the process dies before the call
	diedAfter  fate = "died after"  // the process dies after the call
)

const (
	failsOneIn = 60     // calls
	diesOneIn  = 120    // calls
	mostSteps  = 20_000 // of one run; more is a loop
)

var (
	errProcessDied = errors.New("the process has died")
	errRefused     = fmt.Errorf("refused, or its answer was lost: %w", driver.ErrBadConn)
)

// run lets the actors act until all have ended.
func (s *scheduler) run(actors ...*actor) error {
	s.parked = make(chan struct{})
	for _, a := range actors {
		a.resume, a.ended, a.call = make(chan fate), false, "start"
		go func() {
			<-a.resume
			a.act(a)
			a.ended = true
			s.parked <- struct{}{}
		}()
	}
	var failure error
	for steps := 0; ; steps++ {
		if len(actors) == 0 {
			return failure
		}
		if steps > mostSteps && failure == nil {
			failure = errors.New("the run does not end")
		}
		at := s.rand.IntN(len(actors))
		a := actors[at]
		f := s.draw(a)
		if failure != nil {
			f = diedBefore // the goroutines end
		}
		s.log("%-10s %-40s %s", a.name, a.call, f)
		s.running.Store(a)
		a.resume <- f
		<-s.parked
		s.running.Store(nil)
		if failure == nil {
			failure = s.after(a, f)
		}
		if a.ended {
			actors = append(actors[:at], actors[at+1:]...)
		}
	}
}

func (s *scheduler) draw(a *actor) fate {
	if !s.faults || a.call == "start" || a.call == "idle" {
		return served
	}
	switch {
	case s.rand.IntN(failsOneIn) == 0:
		return []fate{refused, lost}[s.rand.IntN(2)]
	case s.rand.IntN(diesOneIn) == 0:
		return []fate{diedBefore, diedAfter}[s.rand.IntN(2)]
	}
	return served
}

// process runs one process of an actor until it ends or dies.
func (a *actor) process(do func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	a.killed, a.kill = false, cancel
	do(ctx)
	a.killed, a.kill = false, nil
}

// idle is a point outside of any process.
func (s *scheduler) idle() {
	a := s.running.Load()
	a.call = "idle"
	s.parked <- struct{}{}
	<-a.resume
}

// around is a point before a call. It makes the call as its fate wants. Calls that no actor makes are served.
func (s *scheduler) around(call string, send func() error) error {
	a := s.running.Load()
	if a == nil {
		return send()
	}
	if a.killed {
		return errProcessDied
	}
	a.call = call
	s.parked <- struct{}{}
	switch <-a.resume {
	case refused:
		return errRefused
	case lost:
		return errors.Join(send(), errRefused)
	case diedBefore:
		a.die()
		return errProcessDied
	case diedAfter:
		err := send()
		a.die()
		return errors.Join(err, errProcessDied)
	case served:
	}
	return send()
}

// die ends the process: none of its later calls has an effect.
func (a *actor) die() {
	a.killed = true
	if a.kill != nil {
		a.kill()
	}
}
