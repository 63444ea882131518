package workspace

// What the tests look at from inside.
var (
	Quoted    = quoted
	KeptBytes = keptBytes
	WithLink  = withLink
	FileIDIn  = fileIDIn
	Fold      = fold
	Fit       = fit
)
