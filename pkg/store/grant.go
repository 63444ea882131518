package store

import (
	"context"
	"fmt"
	"regexp"

	"github.com/pressly/goose/v3"
)

// grantWork is what a component may do with rows; none but migrate changes tables.
const grantWork = `grant select, insert, update, delete on * to `

// userName is what accounts of Google Cloud are called in MySQL: the part before the @.
var userName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// Grant gives users of MySQL what the components need in this database. Cloud SQL makes the users of
// service accounts, and makes them without any right.
func (s Schema) Grant(ctx context.Context, users []string) error {
	if s.dialect.name != string(goose.DialectMySQL) {
		return nil // a file has no users
	}
	for _, user := range users {
		if !userName.MatchString(user) {
			return fmt.Errorf("give %q rights in the database: not a user name of ours", user)
		}
		if _, err := s.exec(ctx, grantWork+"'"+user+"'@'%'"); err != nil { // a name cannot be a parameter
			return fmt.Errorf("give %s rights in the database: %w", user, err)
		}
	}
	return nil
}
