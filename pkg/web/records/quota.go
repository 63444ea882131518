package records

import (
	"context"

	"github.com/nvr-miem/merger/pkg/nvr"
	"github.com/nvr-miem/merger/pkg/store"
	"github.com/nvr-miem/merger/pkg/web/auth"
)

// DefaultOpenRecords is how many records a person may have that are not finished.
const DefaultOpenRecords = 50

// QuotaDetail is what the APIs answer to a request beyond the quota.
const QuotaDetail = "too many open records: wait until one is done, or cancel one"

// Insert files a request. It returns [store.ErrQuota] if its person has as many open records as one may have.
// Operators are exempt, and keys that may name any address: one key of the recorder requests for everyone.
// A repeated request returns its record, also beyond the quota.
func (s *Service) Insert(
	ctx context.Context, caller *auth.Caller, request Request, once *store.IdempotencyKey,
) (record nvr.Record, created bool, err error) {
	if isTrusted(caller) {
		return s.Store.Requests.Insert(ctx, request.Record(), once)
	}
	return s.Store.Requests.InsertWithin(ctx, s.OpenRecords, request.Record(), once)
}

// isTrusted reports whether a caller is exempt from what binds requesters: an operator, or a key that may request in
// any person's name.
func isTrusted(caller *auth.Caller) bool { return caller.Operator || caller.AnyAddress }

// checkReopening returns [store.ErrQuota] if a change opens a finished record, and its person has as many open ones as
// one may have. Concurrent changes may exceed the number.
func (s *Service) checkReopening(ctx context.Context, caller *auth.Caller, r *nvr.Record) error {
	if isTrusted(caller) || s.OpenRecords <= 0 || r.Step != nvr.StepDone && r.Step != nvr.StepFailed {
		return nil
	}
	full, err := s.Store.Requests.HasOpen(ctx, r.UserEmail, s.OpenRecords)
	if err == nil && full {
		err = store.ErrQuota
	}
	return err
}
