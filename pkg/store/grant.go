package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
)

// accountPrefix begins the name of a component's service account, and of its database user.
const accountPrefix = "nvr-"

// grantRounds is how often [Schema.reconcile] compares at most. The second round grants what the first one
// took away together with more: revoking a privilege on a table also revokes it on single columns.
const grantRounds = 3

const (
	selectHosts = `select host from mysql.user where user = ? order by host`

	selectPrivileges = `select '', '', privilege_type, is_grantable from information_schema.schema_privileges
 where table_schema = database() and grantee = ?
 union all select table_name, '', privilege_type, is_grantable from information_schema.table_privileges
 where table_schema = database() and grantee = ?
 union all select table_name, column_name, privilege_type, is_grantable
 from information_schema.column_privileges where table_schema = database() and grantee = ?`

	selectColumns = `select column_name from information_schema.columns
 where table_schema = database() and table_name = ?`

	// selectRoleTables finds the table of granted roles: MySQL's or MariaDB's. A user without rights on it
	// does not see it.
	selectRoleTables = `select table_name from information_schema.tables
 where table_schema = 'mysql' and table_name in ('role_edges', 'roles_mapping')`

	// Cloud SQL gives the role cloudsqlsuperuser to the users that its API creates.
	selectSuperHosts = `select to_host from mysql.role_edges
 where from_user = 'cloudsqlsuperuser' and to_user = ? order by to_host`

	selectSuperHostsMariaDB = `select host from mysql.roles_mapping
 where role = 'cloudsqlsuperuser' and user = ? order by host`

	revokeSuperuser = `revoke cloudsqlsuperuser from `
)

// ErrHidden means that the user of this connection may not see the rights of other users.
var ErrHidden = errors.New("the rights of other database users cannot be seen")

// account is a user of MySQL: a name and the hosts from which it signs in.
type account struct{ user, host string }

// String returns the account as statements and information_schema name it.
func (a account) String() string { return "'" + a.user + "'@'" + a.host + "'" }

// userName and hostName match what needs no quoting within quotes. A name cannot be a parameter of a
// statement.
var (
	userName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,31}$`)
	hostName = regexp.MustCompile(`^[A-Za-z0-9_.:%/-]{1,255}$`)
)

// privilege is a right on one object. Names are in lower case.
type privilege struct {
	table  string // empty: all tables of the database
	column string // empty: all columns
	name   string
}

// Grant gives MySQL users exactly the rights in this database that their components need. The user of
// component claim is called nvr-claim. Users of Cloud SQL's API may have the role cloudsqlsuperuser; it is
// taken away.
//
// It grants what is missing before it revokes what is too much, such as the rights on all tables that former
// versions granted. The former release, which is still running, so keeps what it needs; see [rights].
//
// With SQLite it does nothing.
func (s Schema) Grant(ctx context.Context, users []string) error {
	if s.dialect.name != string(goose.DialectMySQL) {
		return nil
	}
	for _, user := range users {
		component, named := strings.CutPrefix(user, accountPrefix)
		if !named || component == NVR || len(rightsOf(component)) == 0 {
			return fmt.Errorf("grant rights to %q: not the user name of a component", user)
		}
		found, err := s.grant(ctx, user, component)
		if err == nil && !found {
			err = errors.New("there is no such database user")
		}
		if err == nil && component == "doctor" {
			err = s.showRoles(ctx, user)
		}
		if err != nil {
			return fmt.Errorf("grant rights to %s: %w", user, err)
		}
	}
	return nil
}

// GrantNVR is [Schema.Grant] for the user of the NVR, and reports whether that user exists. It may read,
// insert and update the four tables of the NVR, and no column of records that a migration has added.
func (s Schema) GrantNVR(ctx context.Context, user string) (found bool, err error) {
	if s.dialect.name != string(goose.DialectMySQL) {
		return false, nil
	}
	if !userName.MatchString(user) || strings.HasPrefix(user, accountPrefix) {
		return false, fmt.Errorf("grant rights to the NVR: %q is not a user name for it", user)
	}
	if found, err = s.grant(ctx, user, NVR); err != nil {
		return found, fmt.Errorf("grant rights to the NVR's user %s: %w", user, err)
	}
	return found, nil
}

// grant gives all accounts of a user the rights of a component. It reports whether there is one.
func (s Schema) grant(ctx context.Context, user, component string) (found bool, err error) {
	wanted, err := s.wantedPrivileges(ctx, component)
	if err != nil {
		return false, err
	}
	hosts, err := s.names(ctx, selectHosts, user)
	if err != nil {
		return false, fmt.Errorf("find the user (migrate needs to read mysql.user): %w", err)
	}
	for _, host := range hosts {
		if !hostName.MatchString(host) {
			return true, fmt.Errorf("its host %q is not supported", host)
		}
		if err := s.reconcile(ctx, account{user, host}, wanted); err != nil {
			return true, err
		}
	}
	return len(hosts) > 0, s.revokeSuperuser(ctx, user)
}

// wantedPrivileges returns the privileges of a component.
func (s Schema) wantedPrivileges(ctx context.Context, component string) (map[privilege]bool, error) {
	wanted := map[privilege]bool{}
	for _, r := range rightsOf(component) {
		for table := range strings.SplitSeq(r.tables, ", ") {
			columns := strings.Split(r.columns, ", ")
			switch r.columns {
			case all:
				columns = []string{""}
			case notOurs:
				var err error
				if columns, err = s.foreignColumns(ctx, table); err != nil {
					return nil, err
				}
			}
			for _, column := range columns {
				for name := range strings.SplitSeq(r.privileges, ", ") {
					wanted[privilege{table, column, name}] = true
				}
			}
		}
	}
	return wanted, nil
}

// foreignColumns returns the columns of a table that no migration has added.
func (s Schema) foreignColumns(ctx context.Context, table string) ([]string, error) {
	steps, err := s.steps()
	if err != nil {
		return nil, err
	}
	columns, err := s.names(ctx, selectColumns, table)
	return slices.DeleteFunc(columns, func(column string) bool {
		return slices.ContainsFunc(steps, func(s step) bool {
			return s.kind == kindColumn && s.table == table && s.name == column
		})
	}), err
}

// reconcile makes the privileges of an account in this database those that are wanted.
func (s Schema) reconcile(ctx context.Context, who account, wanted map[privilege]bool) error {
	for range grantRounds {
		granted, err := s.privileges(ctx, who)
		if err != nil {
			return fmt.Errorf("read its rights: %w", err)
		}
		missing, surplus := without(wanted, granted), without(granted, wanted)
		if len(missing)+len(surplus) == 0 {
			return nil
		}
		for _, part := range slices.Concat(
			statements("grant %s on %s to %s", missing, who),
			statements("revoke %s on %s from %s", surplus, who),
		) {
			if _, err := s.exec(ctx, part); err != nil {
				return fmt.Errorf("%s: %w", part, err)
			}
		}
	}
	return errors.New("its rights are not those that were granted")
}

// privileges returns what an account may do in this database.
func (s Schema) privileges(ctx context.Context, who account) (map[privilege]bool, error) {
	var granted map[privilege]bool
	err := s.each(ctx, func() { granted = map[privilege]bool{} }, func(row scanner) error {
		var p privilege
		var grantable string
		err := row.Scan(&p.table, &p.column, &p.name, &grantable)
		p.column, p.name = strings.ToLower(p.column), strings.ToLower(p.name)
		if p.name != "usage" { // no privilege at all
			granted[p] = true
		}
		if grantable == "YES" {
			granted[privilege{table: p.table, name: "grant option"}] = true
		}
		return err
	}, selectPrivileges, who.String(), who.String(), who.String())
	return granted, err
}

// without returns the privileges of a that b lacks.
func without(a, b map[privilege]bool) []privilege {
	return slices.DeleteFunc(slices.Collect(maps.Keys(a)), func(p privilege) bool { return b[p] })
}

// object is what one statement grants or revokes privileges on: single columns of a table, or the whole
// table.
type object struct {
	whole bool
	table string // empty: all tables
}

// statements returns statements of a form for privileges, those for columns first: revoking a privilege on a
// table would leave nothing to revoke on its columns.
func statements(form string, privileges []privilege, who account) []string {
	columns := map[object]map[string][]string{} // by the name of the privilege
	for _, p := range privileges {
		on := object{p.column == "", p.table}
		if columns[on] == nil {
			columns[on] = map[string][]string{}
		}
		columns[on][p.name] = append(columns[on][p.name], p.column)
	}
	var single, whole []string
	byTable := func(a, b object) int { return strings.Compare(a.table, b.table) }
	for _, on := range slices.SortedFunc(maps.Keys(columns), byTable) {
		var list []string
		for name, columns := range columns[on] {
			if !on.whole {
				slices.Sort(columns)
				name += " (`" + strings.Join(columns, "`, `") + "`)"
			}
			list = append(list, name)
		}
		slices.Sort(list)
		table := "*"
		if on.table != "" {
			table = "`" + on.table + "`"
		}
		text := fmt.Sprintf(form, strings.Join(list, ", "), table, who)
		if on.whole {
			whole = append(whole, text)
		} else {
			single = append(single, text)
		}
	}
	return append(single, whole...)
}

// SuperHosts returns the hosts from which a user signs in with the role cloudsqlsuperuser, which may do
// everything in every database. It returns [ErrHidden] if this connection's user may not see that.
func (s Schema) SuperHosts(ctx context.Context, user string) ([]string, error) {
	if s.dialect.name != string(goose.DialectMySQL) {
		return nil, nil
	}
	table, err := s.roleTable(ctx)
	if err != nil {
		return nil, err
	}
	statement := selectSuperHosts
	if table == "roles_mapping" {
		statement = selectSuperHostsMariaDB
	}
	hosts, err := s.names(ctx, statement, user)
	if err != nil {
		return nil, fmt.Errorf("read the roles of %s: %w", user, err)
	}
	return hosts, nil
}

// roleTable returns the name of the table of granted roles. It returns [ErrHidden] if this connection's user
// may not read it.
func (s Schema) roleTable(ctx context.Context) (string, error) {
	tables, err := s.names(ctx, selectRoleTables)
	if err != nil {
		return "", fmt.Errorf("find the table of roles: %w", err)
	}
	if len(tables) == 0 {
		return "", ErrHidden
	}
	return tables[0], nil
}

// revokeSuperuser takes the role cloudsqlsuperuser away from a user.
func (s Schema) revokeSuperuser(ctx context.Context, user string) error {
	hosts, err := s.SuperHosts(ctx, user)
	if err != nil {
		return err
	}
	for _, host := range hosts {
		if _, err := s.exec(ctx, revokeSuperuser+account{user, host}.String()); err != nil {
			return fmt.Errorf("revoke its role cloudsqlsuperuser: %w", err)
		}
	}
	return nil
}

// showRoles lets a user see who has which role; see [Schema.SuperHosts]. A server that refuses is used as it
// is: doctor then does not report on the NVR's user.
func (s Schema) showRoles(ctx context.Context, user string) error {
	table, err := s.roleTable(ctx)
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, fmt.Sprintf("grant select on mysql.%s to %s", table, account{user, "%"}))
	var refused *mysql.MySQLError
	if errors.As(err, &refused) {
		return nil
	}
	return err
}

// names returns the only column of a statement's rows.
func (s Schema) names(ctx context.Context, statement string, args ...any) ([]string, error) {
	var names []string
	err := s.each(ctx, func() { names = nil }, func(row scanner) error {
		var name string
		err := row.Scan(&name)
		names = append(names, name)
		return err
	}, statement, args...)
	return names, err
}
