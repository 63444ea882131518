package homoglyph

// The letters that Cyrillic and Latin draw alike in at least one case, pairwise and
// in lower case. The Cyrillic ones are escaped, because a reader could not tell them
// from the Latin ones.
const (
	cyrillicLookalikes = "\u0430" + // a
		"\u0432" + // ve, like B
		"\u0435" + // ie, like e
		"\u043a" + // ka, like K
		"\u043c" + // em, like M
		"\u043d" + // en, like H
		"\u043e" + // o
		"\u0440" + // er, like p
		"\u0441" + // es, like c
		"\u0442" + // te, like T
		"\u0443" + // u, like y
		"\u0445" + // ha, like x
		"\u0456" + // Ukrainian i
		"\u0458" + // je, like j
		"\u0455" + // dze, like s
		"\u04bb" // shha, like h
	latinLookalikes = "abekmhopctyxijsh"

	// yo is the letter io, which many people write as ie.
	yo = '\u0451'
)
