package store

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
)

// maxPrepared bounds what a pool keeps: a list of any length is a statement of its own.
const maxPrepared = 200

// pool is a [sql.DB] that keeps the statements it has prepared. It serves SQLite, which parses in our own
// process: for a short read that is half of the work. MySQL would keep them at the server, for each connection of
// each instance; there the driver writes the arguments into the text, and a statement is one round trip.
type pool struct {
	*sql.DB
	keeps    bool
	prepared sync.Map     // text to *sql.Stmt
	count    atomic.Int32 // of prepared
}

// QueryRowContext is that of [sql.DB].
func (p *pool) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	if statement := p.statement(ctx, text); statement != nil {
		return statement.QueryRowContext(ctx, args...)
	}
	return p.DB.QueryRowContext(ctx, text, args...)
}

// QueryContext is that of [sql.DB].
func (p *pool) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if statement := p.statement(ctx, text); statement != nil {
		return statement.QueryContext(ctx, args...)
	}
	return p.DB.QueryContext(ctx, text, args...)
}

// ExecContext is that of [sql.DB].
func (p *pool) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if statement := p.statement(ctx, text); statement != nil {
		return statement.ExecContext(ctx, args...)
	}
	return p.DB.ExecContext(ctx, text, args...)
}

// statement is nil where none is kept, and where it cannot be prepared: then sending the text says why.
func (p *pool) statement(ctx context.Context, text string) *sql.Stmt {
	if kept, ok := p.prepared.Load(text); ok {
		return kept.(*sql.Stmt)
	}
	if !p.keeps || p.count.Load() >= maxPrepared {
		return nil
	}
	statement, err := p.PrepareContext(ctx, text)
	if err != nil {
		return nil
	}
	if kept, ok := p.prepared.LoadOrStore(text, statement); ok { // somebody else was quicker
		_ = statement.Close() // nothing was done with it
		return kept.(*sql.Stmt)
	}
	p.count.Add(1)
	return statement
}
