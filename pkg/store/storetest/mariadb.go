package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
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
)

// errMissing says that the machine has no MariaDB.
var errMissing = errors.New("there is no mariadbd here: scripts/setup mariadb installs it")

// The one server of this test binary, begun by the first test that wants it, and the number of the
// newest schema in it.
var (
	server = sync.OnceValues(start)
	schema atomic.Int64
)

// MariaDB is the DSN of an empty schema of this test, in the MariaDB server of this test binary. Without
// a MariaDB on the machine the test is skipped; on CI (CI is set) it fails.
func MariaDB(t testing.TB) string {
	t.Helper()
	socket, err := server()
	if errors.Is(err, errMissing) && os.Getenv("CI") == "" { //nolint:forbidigo // whether a skip is allowed, not configuration
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
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

func address(socket, schema string) string {
	config := mysql.NewConfig()
	config.User, config.Net, config.Addr, config.DBName = "root", "unix", socket, schema
	return config.FormatDSN()
}

// supervise runs the server until our end of its input closes, which happens however we end; then it
// takes the server and the directory away. $0 is the directory, the rest the command.
const supervise = `"$@" >"$0/log" 2>&1 & cat >/dev/null; kill -9 $!; wait; cd /; rm -rf "$0"`

// start makes a data directory, runs the server on it and returns the path of its socket.
func start() (socket string, err error) {
	program, err := exec.LookPath("mariadbd")
	if err != nil {
		return "", errMissing
	}
	dir, err := os.MkdirTemp("", "mariadb")
	if err != nil {
		return "", err
	}
	attributes, err := unprivileged(dir)
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	socket = filepath.Join(dir, "socket")
	flags := []string{"--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--skip-networking", "--socket=" + socket,
		"--pid-file=" + filepath.Join(dir, "pid"), "--tmpdir=" + dir, "--skip-grant-tables", "--skip-name-resolve",
		"--innodb-buffer-pool-size=256M", "--innodb-log-file-size=128M", "--innodb-flush-log-at-trx-commit=0", "--max-connections=200",
		"--sql-mode=STRICT_TRANS_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO"}
	if err := initialise(program, dir, attributes, flags); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	supervisor := exec.Command("sh", append([]string{"-c", supervise, dir, program}, flags...)...)
	supervisor.SysProcAttr, supervisor.Dir = attributes, dir
	ours, err := supervisor.StdinPipe()
	if err == nil {
		err = supervisor.Start()
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("start MariaDB: %w", err), os.RemoveAll(dir))
	}
	if err := await(socket); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return "", errors.Join(fmt.Errorf("%w: %s", err, log), ours.Close(), supervisor.Wait())
	}
	// Wait holds the pipe's end as long as this process lives.
	go func() { _ = supervisor.Wait() }()
	return socket, nil
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
	command := exec.Command("sh", append([]string{"-c", `mkdir "$0/data" && exec "$@"`, dir, program}, append(flags, "--bootstrap")...)...)
	command.SysProcAttr, command.Dir, command.Stdin = attributes, dir, strings.NewReader(bootstrap)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initialise MariaDB: %w: %s", err, out)
	}
	return nil
}

// await waits until the server answers.
func await(socket string) error {
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
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("MariaDB does not answer: %w", err)
		case <-ticker.C:
		}
	}
}
