package store

import "strings"

// UpdatedColumns returns the columns of records that any component may update.
func UpdatedColumns() []string {
	var columns []string
	for _, r := range rights() {
		if r.tables == "records" && r.privileges == "update" {
			columns = append(columns, strings.Split(r.columns, ", ")...)
		}
	}
	return columns
}

// RightsByTable returns the components that have a right on each table.
func RightsByTable() map[string][]string {
	found := map[string][]string{}
	for _, r := range rights() {
		for table := range strings.SplitSeq(r.tables, ", ") {
			found[table] = append(found[table], strings.Split(r.components, ", ")...)
		}
	}
	return found
}
