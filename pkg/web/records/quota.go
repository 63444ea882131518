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

// QuotaFull reports whether a person has as many open records as one may have. Operators are exempt, and keys
// that may name any address: one key of the recorder requests for everyone.
func (s *Service) QuotaFull(ctx context.Context, caller *auth.Caller, email string) (bool, error) {
	if caller.Operator || caller.AnyAddress {
		return false, nil
	}
	open := store.Filter{
		UserEmail: email,
		Steps:     []nvr.Step{nvr.StepStage, nvr.StepMerge, nvr.StepUpload, nvr.StepLink},
	}
	found, _, err := s.Store.Records.List(ctx, open, 0, s.OpenRecords)
	return len(found) >= s.OpenRecords, err
}
