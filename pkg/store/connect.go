package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/cloudsqlconn/errtype"
	"github.com/go-sql-driver/mysql"

	"github.com/nvr-miem/merger/pkg/call"
	"github.com/nvr-miem/merger/pkg/fault"
)

// DefaultPatience is how long [Open] waits for the first connection. A new instance of Cloud Run may need "a
// minute or more" for its first connection into a network
// (docs.cloud.google.com/run/docs/configuring/vpc-direct-vpc, Limitations). The start-up probe of
// terraform/function allows 200 s.
const DefaultPatience = 100 * time.Second

// connectTry is the longest that one try may take: ten seconds for dialing, and the rest for the sign-in.
const connectTry = 20 * time.Second

// connect makes the first connection. It waits for a MySQL server that does not answer yet.
func (d *database) connect(ctx context.Context, opts *Options) error {
	ping := func(ctx context.Context) error { return d.read.PingContext(ctx) }
	var err error
	if d.read == d.write { // MySQL
		err = call.Do(ctx, connectPolicy(opts), "database.connect", ping)
	} else {
		err = ping(ctx)
	}
	if err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	return nil
}

// connectPolicy returns how the first connection is tried. The patience counts the pauses and the time of the
// tries, which end by their own limits.
func connectPolicy(opts *Options) call.Policy {
	deadline := opts.Now().Add(opts.Patience)
	return call.Policy{
		FirstPause:   250 * time.Millisecond,
		LongestPause: 4 * time.Second,
		Patience:     opts.Patience,
		TryTimeout:   connectTry,
		Scale:        opts.Scale,
		Observe:      opts.Tried,
		Read: func(err error) call.Failure {
			if refuses(err) || !opts.Now().Before(deadline) {
				return call.Failure{Kind: fault.Permanent}
			}
			return call.Failure{Kind: fault.Retryable}
		},
	}
}

// Error numbers of a server that cannot serve now.
const (
	mysqlTooManyConnections = 1040
	mysqlShutdown           = 1053
)

// refuses reports whether an error is the answer of a server, or of a wrong address, that stays the same.
// Every other error can be that of a network that is not ready.
func refuses(err error) bool {
	var answer *mysql.MySQLError
	if errors.As(err, &answer) {
		busy := answer.Number == mysqlTooManyConnections || answer.Number == mysqlShutdown
		return !busy && !isTransient(err)
	}
	var address *errtype.ConfigError
	return errors.As(err, &address)
}

// setRole activates the roles of a session. A role that is not a default role of its user is inactive after the
// sign-in, and whether those of google_sql_user.database_roles are default roles is not documented.
const setRole = `set role all`

// roleConnector activates all roles on each new connection.
type roleConnector struct{ driver.Connector }

// Connect implements [driver.Connector]. A server that refuses the statement, as MariaDB does, is used as it is.
func (c roleConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	execer, ok := conn.(driver.ExecerContext)
	if !ok {
		return conn, nil
	}
	_, err = execer.ExecContext(ctx, setRole, nil)
	var refused *mysql.MySQLError
	if err != nil && !errors.As(err, &refused) {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
