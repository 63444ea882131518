package pipeline

import "time"

// LeaseOf is how long a worker of an attempt holds a record without a word.
func (p *Pipeline) LeaseOf(attempt int64) time.Duration { return p.lease(attempt) }
