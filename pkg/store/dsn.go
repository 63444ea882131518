package store

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// cloudSQL is the network name by which a DSN asks for the Cloud SQL connector.
const cloudSQL = "cloudsql-mysql"

// address is a DSN, understood: one of the two.
type address struct {
	file  string
	mysql *mysql.Config
}

// parseDSN understands
//
//	sqlite:/path/nvr.db                                 also sqlite:///path and SQLAlchemy's sqlite:////path
//	mysql://user:password@host:port/database            password percent-encoded
//	mysql+pymysql://user:password@host/database?…       the NVR's form; what follows ? but unix_socket is its driver's
//	user:password@tcp(host:port)/database?…             go-sql-driver's form; also unix(/path)
//	user@cloudsql-mysql(project:region:instance)/db     Cloud SQL, signed in as the process's account
//
// Its errors never quote the DSN: it may hold a password.
func parseDSN(dsn string) (address, error) {
	if rest, ok := strings.CutPrefix(dsn, "sqlite:"); ok {
		return sqliteAddress(rest)
	}
	scheme, _, isURL := strings.Cut(dsn, "://")
	if isURL && !strings.ContainsAny(scheme, "@/:(") {
		if scheme != "mysql" && !strings.HasPrefix(scheme, "mysql+") && scheme != "mariadb" {
			return address{}, fmt.Errorf("read the database's address: %q is neither sqlite nor mysql", scheme)
		}
		return urlAddress(dsn)
	}
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return address{}, errors.New("read the database's address: want sqlite:FILE, mysql://… or user:password@tcp(host:port)/database")
	}
	return mysqlAddress(config)
}

func sqliteAddress(rest string) (address, error) {
	if path, ok := strings.CutPrefix(rest, "///"); ok { // SQLAlchemy: a third slash separates, a fourth is the root
		rest = path
		if !strings.HasPrefix(rest, "/") {
			rest = "/" + rest
		}
	}
	if rest == "" || strings.HasPrefix(rest, "//") || strings.Contains(rest, ":memory:") {
		return address{}, errors.New("read the database's address: sqlite: wants the path of a file")
	}
	return address{file: rest}, nil
}

func urlAddress(dsn string) (address, error) {
	parsed, err := url.Parse(dsn)
	if err != nil {
		return address{}, errors.New("read the database's address: not a URL (is the password percent-encoded?)")
	}
	config := mysql.NewConfig()
	config.User = parsed.User.Username()
	config.Passwd, _ = parsed.User.Password()
	config.DBName = strings.TrimPrefix(parsed.Path, "/")
	config.Net = "tcp"
	config.Addr = parsed.Host
	if parsed.Port() == "" {
		config.Addr = net.JoinHostPort(parsed.Hostname(), "3306")
	}
	if socket := parsed.Query().Get("unix_socket"); socket != "" {
		config.Net, config.Addr = "unix", socket
	}
	return mysqlAddress(config)
}

// mysqlAddress sets what our statements rely on, whatever the DSN says.
func mysqlAddress(config *mysql.Config) (address, error) {
	if config.DBName == "" {
		return address{}, errors.New("read the database's address: it names no database")
	}
	config.ClientFoundRows = true   // else an update to equal values counts no row and looks stale
	config.InterpolateParams = true // one round trip a statement instead of two
	config.Loc = time.UTC
	config.ParseTime = true
	config.Logger = &mysql.NopLogger{} // what matters comes as an error
	config.InterpolateParams = true    // one round trip a statement
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second
	}
	if config.Net == cloudSQL {
		config.AllowCleartextPasswords = true // IAM: the token travels inside the connector's TLS
	}
	return address{mysql: config}, nil
}
