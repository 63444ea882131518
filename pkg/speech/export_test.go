package speech

// For tests of package speech_test.
var (
	ParseWhisper = parseWhisper
	ParseSphinx  = parseSphinx
)
