package simulate

import (
	"container/heap"
	"time"
)

// clock is the virtual time with its planned events. Events of one instant happen in the order in which
// they were planned.
type clock struct {
	at     time.Time
	events events
	number int64
}

// event is a planned call. number breaks ties between events of one instant.
type event struct {
	at     time.Time
	number int64
	do     func() error
}

// after plans an event after a delay.
func (c *clock) after(d time.Duration, do func() error) {
	c.on(c.at.Add(d), do)
}

// on plans an event at an instant.
func (c *clock) on(at time.Time, do func() error) {
	c.number++
	heap.Push(&c.events, event{at: at, number: c.number, do: do})
}

// run moves the clock to an instant and runs the events that are due until then.
func (c *clock) run(until time.Time) error {
	for len(c.events) > 0 && !c.events[0].at.After(until) {
		next := heap.Pop(&c.events).(event) //nolint:forcetypeassert // nothing else is pushed
		c.at = next.at
		if err := next.do(); err != nil {
			return err
		}
	}
	c.at = until
	return nil
}

// events implements heap.Interface, ordered by time.
type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if e[i].at.Equal(e[j].at) {
		return e[i].number < e[j].number
	}
	return e[i].at.Before(e[j].at)
}
func (e events) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
}

// Push implements heap.Interface.
func (e *events) Push(x any) {
	*e = append(*e, x.(event))
} //nolint:forcetypeassert // as above

// Pop implements heap.Interface.
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}
