// Package records holds records, rooms and footage as the page and the APIs show them.
package records
