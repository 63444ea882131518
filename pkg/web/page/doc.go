// Package page holds the pages of lecturers and operators.
package page
