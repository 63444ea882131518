package i18n

import "io/fs"

// Locales returns the product's languages.
func Locales() fs.FS {
	sub, err := fs.Sub(locales, "locale")
	if err != nil {
		panic(err)
	}
	return sub
}
