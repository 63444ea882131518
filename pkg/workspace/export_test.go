package workspace

import "github.com/nvr-miem/merger/pkg/i18n"

// What the tests look at from inside.
var (
	Quoted    = quoted
	KeptBytes = keptBytes
	FileIDIn  = fileIDIn
	Fold      = fold
	Fit       = fit
)

// WithLink is withLink with the texts of the program.
func WithLink(description, link, language string) string {
	return withLink(i18n.Default(), description, link, language)
}

// WithoutLink is withoutLink with the texts of the program.
func WithoutLink(description, link string) string {
	return withoutLink(i18n.Default(), description, link)
}
