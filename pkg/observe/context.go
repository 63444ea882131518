package observe

import (
	"context"
	"log/slog"
	"slices"

	"github.com/nvr-miem/merger/pkg/nvr"
)

type attrsKey struct{}

// With gives every line that is logged with the returned context the record it belongs to. Step is one
// of the words of the flow: request, calendar, claim, stage, merge, upload, link, fail. The claim is zero
// while the work is for no record, or for one that is not known; the room may be empty while it is not known.
// Give them by another call as soon as they are.
func With(ctx context.Context, step string, c nvr.Claim, room string) context.Context {
	attrs := []slog.Attr{slog.String("step", step)}
	if c.Record != 0 {
		attrs = append(
			attrs,
			slog.Int64("record", c.Record),
			slog.Int64("attempt", c.Attempt),
			slog.Int64("turn", c.Continuation),
		)
	}
	if room != "" {
		attrs = append(attrs, slog.String("room", room))
	}
	return add(ctx, attrs...)
}

// WithSlice adds the slice that a task renders.
func WithSlice(ctx context.Context, slice int) context.Context {
	return add(ctx, slog.Int("slice", slice))
}

// WithRoom adds a room, for work on a room that no record is behind.
func WithRoom(ctx context.Context, room string) context.Context {
	return add(ctx, slog.String("room", room))
}

// add puts attributes into the context; a later value of a key takes the place of an earlier one.
func add(ctx context.Context, attrs ...slog.Attr) context.Context {
	all := slices.Clone(fromContext(ctx))
	for _, a := range attrs {
		if i := slices.IndexFunc(all, func(b slog.Attr) bool { return a.Key == b.Key }); i >= 0 {
			all[i] = a
			continue
		}
		all = append(all, a)
	}
	return context.WithValue(ctx, attrsKey{}, all)
}

func fromContext(ctx context.Context) []slog.Attr {
	attrs, _ := ctx.Value(attrsKey{}).([]slog.Attr)
	return attrs
}
