package pubsub

import "time"

// Kept is how many messages the server below still remembers.
func (s *Server) Kept() int { return len(s.pstest.Messages()) }

// Backoff is the wait after so many failed pushes.
func Backoff(shortest, longest time.Duration, failed int) time.Duration {
	return (&pusher{min: shortest, max: longest}).backoff(failed)
}
