package storage

import (
	"errors"
	"fmt"
	"time"
)

// customTime returns the custom time of an object, or the zero time if it has none.
func (o *object) customTime() time.Time {
	at, err := time.Parse(time.RFC3339Nano, o.Attributes.CustomTime)
	if err != nil {
		return time.Time{} // empty: the API's description refuses what is no time
	}
	return at
}

// DeleteExpired deletes the objects of a bucket whose custom time has come, as a lifecycle rule with
// daysSinceCustomTime 0 does. It returns how many it deleted. An object that was replaced meanwhile
// stays.
func (s *Server) DeleteExpired(bucket string) (deleted int, err error) {
	s.mu.RLock()
	b := s.buckets[bucket]
	s.mu.RUnlock()
	if b == nil {
		return 0, fmt.Errorf("delete the expired objects of bucket %q: no such bucket", bucket)
	}
	now := s.opts.Now()
	var expired []*object
	err = b.walk("", "", func(o *object) bool {
		if at := o.customTime(); !at.IsZero() && !at.After(now) {
			expired = append(expired, o)
		}
		return true
	})
	errs := []error{err}
	for _, o := range expired {
		k, err := b.backend(o.Name)
		if err == nil {
			err = k.remove(o.Name, conditions{Match: &o.Generation, MetaMatch: &o.Metageneration}, b.name)
		}
		var refused *failure
		switch {
		case err == nil:
			deleted++
		case !errors.As(err, &refused): // refused: replaced or deleted meanwhile
			errs = append(errs, err)
		}
	}
	return deleted, errors.Join(errs...)
}
