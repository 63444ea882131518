package store

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
)

// maxPrepared bounds the prepared statements of a pool. A list of each length is a statement of its own.
const maxPrepared = 200

// pool is a [sql.DB] that caches prepared statements. Only SQLite uses the cache, because it parses in
// this process: for a short read that is half of the work. MySQL would keep the statements at the server,
// for each connection of each instance. There the driver writes the arguments into the text, and a
// statement is one round trip.
type pool struct {
	*sql.DB
	caches   bool
	prepared sync.Map     // text to *sql.Stmt
	count    atomic.Int32 // of prepared
}

// QueryRowContext is [sql.DB.QueryRowContext] with a cached statement.
func (p *pool) QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row {
	if statement := p.statement(ctx, text); statement != nil {
		return statement.QueryRowContext(ctx, args...)
	}
	return p.DB.QueryRowContext(ctx, text, args...)
}

// QueryContext is [sql.DB.QueryContext] with a cached statement.
func (p *pool) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if statement := p.statement(ctx, text); statement != nil {
		return statement.QueryContext(ctx, args...)
	}
	return p.DB.QueryContext(ctx, text, args...)
}

// ExecContext is [sql.DB.ExecContext] with a cached statement.
func (p *pool) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if statement := p.statement(ctx, text); statement != nil {
		return statement.ExecContext(ctx, args...)
	}
	return p.DB.ExecContext(ctx, text, args...)
}

// statement returns the prepared statement of a text. It returns nil if the pool caches none, or if
// preparing fails: sending the text then returns the error.
func (p *pool) statement(ctx context.Context, text string) *sql.Stmt {
	if cached, ok := p.prepared.Load(text); ok {
		return cached.(*sql.Stmt)
	}
	if !p.caches || p.count.Load() >= maxPrepared {
		return nil
	}
	statement, err := p.PrepareContext(ctx, text)
	if err != nil {
		return nil
	}
	if cached, ok := p.prepared.LoadOrStore(text, statement); ok { // another goroutine prepared it first
		_ = statement.Close() // it was never used
		return cached.(*sql.Stmt)
	}
	p.count.Add(1)
	return statement
}
