// Package locale holds the page's dictionary.
package locale
