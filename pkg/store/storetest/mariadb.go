package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/nvr-miem/merger/pkg/store"
)

// errMissing says that the machine has no MariaDB.
var errMissing = errors.New("there is no mariadbd here: scripts/setup mariadb installs it")

// What the tests of one binary share: the server, begun by the first that wants it; a schema in which all
// migrations have run, whose tables are copied instead of being altered forty times a test; the number of
// the newest schema.
var (
	server   = sync.OnceValues(start)
	template = sync.OnceValues(migrate)
	schema   atomic.Int64
)

// MariaDB is the DSN of a schema of this test with all migrations done, in the MariaDB server of this test
// binary. Without a MariaDB on the machine the test is skipped; on CI (CI is set) it fails.
func MariaDB(t testing.TB) string {
	t.Helper()
	dsn := EmptyMariaDB(t)
	tables, err := template()
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		_, copied := db.Exec("create table " + table + " like template." + table)
		err = errors.Join(err, copied)
	}
	_, filled := db.Exec("insert into merger_migrations select * from template.merger_migrations")
	if err := errors.Join(err, filled, db.Close()); err != nil {
		t.Fatal(err)
	}
	return dsn
}

// migrate makes the template and returns its tables.
func migrate() (tables []string, err error) {
	socket, err := server()
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("mysql", address(socket, ""))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.Exec("create database template"); err != nil {
		return nil, err
	}
	ctx := context.Background()
	s, err := store.Open(ctx, address(socket, "template"), store.Options{Now: NewClock().Now})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.Schema.Migrate(ctx, store.Adoption{}), s.Close()); err != nil {
		return nil, err
	}
	rows, err := db.Query("select table_name from information_schema.tables where table_schema = 'template'")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			return nil, err
		}
		tables = append(tables, table)
	}
	return tables, rows.Err()
}

// EmptyMariaDB is [MariaDB] without a table in it.
func EmptyMariaDB(t testing.TB) string {
	t.Helper()
	socket, err := server()
	refuse(t, err)
	name := "test_" + strconv.FormatInt(schema.Add(1), 10)
	db, err := sql.Open("mysql", address(socket, ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("create database " + name); err != nil {
		t.Fatal(errors.Join(err, db.Close()))
	}
	t.Cleanup(func() {
		_, err := db.Exec("drop database " + name)
		if err := errors.Join(err, db.Close()); err != nil {
			t.Error(err)
		}
	})
	return address(socket, name)
}

// refuse ends a test that has no server.
func refuse(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errMissing) && os.Getenv("CI") == "" { //nolint:forbidigo // whether a skip is allowed, not configuration
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func address(socket, schema string) string {
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr, config.DBName = "root", "unix", socket, schema
	return config.FormatDSN()
}

// users makes sure that the server of this test binary has a user for each component, and one for the NVR.
var users = sync.OnceValue(makeUsers)

func makeUsers() error {
	socket, err := server()
	if err != nil {
		return err
	}
	db, err := sql.Open("mysql", address(socket, ""))
	if err != nil {
		return err
	}
	for _, user := range append(store.Components(), store.NVR) {
		_, made := db.Exec("create user '" + userOf(user) + "'@'%'")
		err = errors.Join(err, made)
	}
	return errors.Join(err, db.Close())
}

func userOf(component string) string {
	if component == store.NVR {
		return component
	}
	return "nvr-" + component
}

// Components is a database whose components have users of their own, with the rights that the job migrate
// grants.
type Components struct {
	DSN string // of a user who may do everything
}

// As returns the DSN of the user of a component, or of [store.NVR].
func (c *Components) As(component string) string {
	config, err := mysql.ParseDSN(c.DSN)
	if err != nil {
		panic(err) // it is from [address]
	}
	config.User = userOf(component)
	return config.FormatDSN()
}

// MariaDBOfComponents is [MariaDB] with a user for each component and for the NVR.
func MariaDBOfComponents(t testing.TB) *Components {
	t.Helper()
	c := &Components{DSN: MariaDB(t)}
	if err := users(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	s, err := store.Open(ctx, c.DSN, store.Options{Now: NewClock().Now})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, component := range store.Components() {
		names = append(names, userOf(component))
	}
	err = s.Schema.Grant(ctx, names)
	_, errNVR := s.Schema.GrantNVR(ctx, userOf(store.NVR))
	if err := errors.Join(err, errNVR, s.Close()); err != nil {
		t.Fatal(err)
	}
	return c
}

// supervise runs the server until our end of its input closes, which happens however we end; then it
// takes the server and the directory away. A line of input kills the server and starts it again. $0 is
// the directory, the rest the command.
const supervise = `while "$@" >>"$0/log" 2>&1 & read -r again; do kill -9 $!; wait $!; done; kill -9 $!; wait; cd /; rm -rf "$0"`

// How a server writes. What a test loses with the process's end it makes again; a server that is killed
// on purpose hands each commit to the system.
const (
	careless = "--innodb-flush-log-at-trx-commit=0"
	careful  = "--innodb-flush-log-at-trx-commit=2"
)

// Server is a MariaDB that can be killed.
type Server struct {
	DSN string // of an empty schema

	socket string
	input  io.WriteCloser // of the supervisor
}

// OwnMariaDB is a server of one test, which may kill it. Without a MariaDB on the machine the test is
// skipped; on CI it fails.
func OwnMariaDB(t testing.TB) *Server {
	t.Helper()
	s, err := run(careful)
	refuse(t, err)
	t.Cleanup(func() {
		if err := s.input.Close(); err != nil {
			t.Error(err)
		}
	})
	db, err := sql.Open("mysql", address(s.socket, ""))
	if err == nil {
		_, made := db.ExecContext(t.Context(), "create database nvr")
		err = errors.Join(made, db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	s.DSN = address(s.socket, "nvr")
	return s
}

// Restart kills the server where it stands, and returns when it answers again.
func (s *Server) Restart() error {
	killed, err := os.ReadFile(s.pidFile())
	if err != nil {
		return fmt.Errorf("look which MariaDB runs: %w", err)
	}
	if _, err := io.WriteString(s.input, "again\n"); err != nil {
		return fmt.Errorf("restart MariaDB: %w", err)
	}
	return await(s.socket, func() bool {
		runs, err := os.ReadFile(s.pidFile())
		return err == nil && !bytes.Equal(killed, runs)
	})
}

func (s *Server) pidFile() string {
	return filepath.Join(filepath.Dir(s.socket), "pid")
}

// start runs the server that the tests of this binary share and returns the path of its socket.
func start() (socket string, err error) {
	s, err := run(careless)
	if err != nil {
		return "", err
	}
	return s.socket, nil
}

// run makes a data directory and runs a server on it.
func run(more ...string) (*Server, error) {
	program, err := exec.LookPath("mariadbd")
	if err != nil {
		return nil, errMissing
	}
	dir, err := os.MkdirTemp("", "mariadb")
	if err != nil {
		return nil, err
	}
	attributes, err := unprivileged(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	socket := filepath.Join(dir, "socket")
	flags := append([]string{
		"--no-defaults",
		"--datadir=" + filepath.Join(dir, "data"),
		"--skip-networking",
		"--socket=" + socket,
		"--debug-no-sync",
		"--innodb-file-per-table=0",
		"--pid-file=" + filepath.Join(dir, "pid"),
		"--tmpdir=" + dir,
		"--skip-name-resolve",
		"--innodb-buffer-pool-size=256M",
		"--innodb-log-file-size=128M",
		"--max-connections=200",
		"--sql-mode=STRICT_TRANS_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO",
	}, more...)
	if err := initialise(program, dir, attributes, flags); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	arguments := append([]string{"-c", supervise, dir, program}, flags...)
	supervisor := exec.Command("sh", arguments...) //nolint:gosec // what it runs was looked up
	supervisor.SysProcAttr, supervisor.Dir = attributes, dir
	ours, err := supervisor.StdinPipe()
	if err == nil {
		err = supervisor.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start MariaDB: %w", err), os.RemoveAll(dir))
	}
	if err := await(socket, func() bool { return true }); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return nil, errors.Join(fmt.Errorf("%w: %s", err, log), ours.Close(), supervisor.Wait())
	}
	// Wait holds the pipe's end as long as this process lives.
	go func() { _ = supervisor.Wait() }()
	return &Server{socket: socket, input: ours}, nil
}

// unprivileged is how the server runs: not as root, and in a group of its own, so that Ctrl-C leaves
// the supervisor alive to clean up.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() != 0 {
		return attributes, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(nobody.Uid)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.Atoi(nobody.Gid)
	if err != nil {
		return nil, err
	}
	attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attributes, os.Chown(dir, uid, gid)
}

// initialise makes the system tables from the SQL that MariaDB ships.
func initialise(program, dir string, attributes *syscall.SysProcAttr, flags []string) error {
	bootstrap := "create database mysql;\nuse mysql;\n"
	for _, name := range []string{"mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"} {
		text, err := os.ReadFile(filepath.Join("/usr/share/mysql", name))
		if err != nil {
			return fmt.Errorf("read MariaDB's system tables: %w", err)
		}
		bootstrap += string(text) + "\n"
	}
	arguments := append([]string{"-c", `mkdir "$0/data" && exec "$@"`, dir, program}, flags...)
	command := exec.Command("sh", append(arguments, "--bootstrap")...) //nolint:gosec // see above
	command.SysProcAttr, command.Dir, command.Stdin = attributes, dir, strings.NewReader(bootstrap)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initialise MariaDB: %w: %s", err, out)
	}
	return nil
}

// await waits until the server that is meant answers.
func await(socket string, meant func() bool) error {
	db, err := sql.Open("mysql", address(socket, ""))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		if err = errors.New("it is not the one that is meant"); meant() {
			if err = db.PingContext(ctx); err == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("MariaDB does not answer: %w", err)
		case <-ticker.C:
		}
	}
}
