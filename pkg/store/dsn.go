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

// sqlitePrefix begins the DSN of a database in a file.
const sqlitePrefix = "sqlite:"

// address is a parsed DSN. Either file or mysql is set.
type address struct {
	file  string // of SQLite
	mysql *mysql.Config
}

// parseDSN reads a DSN of one of these forms:
//
//	sqlite:/path/nvr.db                                 also sqlite:///path and SQLAlchemy's sqlite:////path
//	mysql://user:password@host:port/database            password percent-encoded
//	mysql+pymysql://user:password@host/database?…       the NVR's form; of the parameters only unix_socket is read
//	user:password@tcp(host:port)/database?…             go-sql-driver's form; also unix(/path)
//	user@cloudsql-mysql(project:region:instance)/db     Cloud SQL, signed in as the account of the process
//
// Its errors never quote the DSN, which may contain a password.
func parseDSN(dsn string) (address, error) {
	if rest, ok := strings.CutPrefix(dsn, sqlitePrefix); ok {
		return sqliteAddress(rest)
	}
	scheme, _, isURL := strings.Cut(dsn, "://")
	if isURL && !strings.ContainsAny(scheme, "@/:(") {
		if scheme != "mysql" && !strings.HasPrefix(scheme, "mysql+") && scheme != "mariadb" {
			return address{}, fmt.Errorf(
				"read the database address: %q is neither sqlite nor mysql",
				scheme,
			)
		}
		return urlAddress(dsn)
	}
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		return address{}, errors.New("read the database address: " +
			"want sqlite:FILE, mysql://… or user:password@tcp(host:port)/database")
	}
	return mysqlAddress(config)
}

// FileOf returns the file of a SQLite database, and reports whether the DSN is of one. The file is empty if
// the DSN names none.
func FileOf(dsn string) (file string, ok bool) {
	rest, ok := strings.CutPrefix(dsn, sqlitePrefix)
	if !ok {
		return "", false
	}
	parsed, err := sqliteAddress(rest)
	if err != nil {
		return "", true
	}
	return parsed.file, true
}

func sqliteAddress(rest string) (address, error) {
	if path, ok := strings.CutPrefix(rest, "///"); ok { // SQLAlchemy: its path begins after the third slash
		rest = path
		if !strings.HasPrefix(rest, "/") {
			rest = "/" + rest
		}
	}
	if rest == "" || strings.HasPrefix(rest, "//") || strings.Contains(rest, ":memory:") {
		return address{}, errors.New("read the database address: sqlite: must be followed by the path of a file")
	}
	return address{file: rest}, nil
}

func urlAddress(dsn string) (address, error) {
	parsed, err := url.Parse(dsn)
	if err != nil {
		return address{}, errors.New("read the database address: not a URL (is the password percent-encoded?)")
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

// mysqlAddress sets the options that the statements rely on. They override the DSN.
func mysqlAddress(config *mysql.Config) (address, error) {
	if config.DBName == "" {
		return address{}, errors.New("read the database address: it names no database")
	}
	config.ClientFoundRows = true   // without it, an update to equal values counts no row and looks stale
	config.InterpolateParams = true // one round trip per statement instead of two
	config.Loc = time.UTC
	config.ParseTime = true
	config.Logger = &mysql.NopLogger{} // errors are returned
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second
	}
	if config.Net == cloudSQL {
		config.AllowCleartextPasswords = true // IAM: the token travels inside the connector's TLS
	}
	return address{mysql: config}, nil
}
