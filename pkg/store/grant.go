package store

import (
	"context"
	"fmt"
	"regexp"

	"github.com/pressly/goose/v3"
)

// grantWork gives the rights that every component needs. Only the job migrate may change tables.
const grantWork = `grant select, insert, update, delete on * to `

// userName matches the MySQL user name of a service account of Google Cloud: the part before the @.
var userName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// Grant gives MySQL users the rights that the components need in this database. Cloud SQL creates the
// users of service accounts without any right. With SQLite it does nothing.
func (s Schema) Grant(ctx context.Context, users []string) error {
	if s.dialect.name != string(goose.DialectMySQL) {
		return nil
	}
	for _, user := range users {
		if !userName.MatchString(user) {
			return fmt.Errorf("grant rights to %q: not the user name of a service account", user)
		}
		// A user name cannot be a parameter of a statement.
		if _, err := s.exec(ctx, grantWork+"'"+user+"'@'%'"); err != nil {
			return fmt.Errorf("grant rights to %s: %w", user, err)
		}
	}
	return nil
}
