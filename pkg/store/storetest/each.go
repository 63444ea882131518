package storetest

import "testing"

// Each runs a test on each database, with the DSN of one that is empty but for its tables.
func Each(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Helper()
	t.Parallel()
	for name, dsn := range map[string]func(testing.TB) string{
		"SQLite":  SQLite,
		"MariaDB": MariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, dsn(t))
		})
	}
}

// Measure is [Each] for a benchmark: both databases are on the disk.
func Measure(b *testing.B, bench func(b *testing.B, dsn string)) {
	b.Helper()
	for name, dsn := range map[string]func(testing.TB) string{
		"SQLite":  DiskSQLite,
		"MariaDB": MariaDB,
	} {
		b.Run(name, func(b *testing.B) { bench(b, dsn(b)) })
	}
}
