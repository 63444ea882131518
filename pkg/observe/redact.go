package observe

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// hidden stands where a secret stood.
const hidden = "(hidden)"

// secretName tells names of fields and headers whose values no log may show. An error can carry a
// secret under no name at all (a failed PUT names its upload session); scrub looks for those.
func secretName(name string) bool {
	switch strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name)) {
	case "authorization", "proxyauthorization", "cookie", "setcookie", "key", "apikey", "xapikey", "password", "secret",
		"webhooksecret", "smtppassword", "zulipkey", "token", "accesstoken", "refreshtoken", "idtoken", "xgoogchanneltoken",
		"channeltoken", "xgoogiapjwtassertion", "assertion", "jwt", "session", "sessionuri", "uploaduri", "uploadid",
		"signature", "signedurl", "dsn", "database":
		return true
	}
	return false
}

// Each pattern keeps what its groups 1 and 2 caught and hides what lies between. The text is a line of JSON:
// a quote inside a string is \" there.
const secrets = `(?i)` +
	`([?&](?:upload_id|access_token|token|key|x-goog-signature|x-goog-credential|sig|signature)=)[^&\s"\\]+` + // queries of URLs
	`|(\bbearer\s+)[a-z0-9._~+/-]+=*` + // Authorization
	`|(\b[a-z][a-z0-9+.-]*://[^\s:/@"\\]*:)[^\s@/"\\]+(@)` + // password in a URL or DSN
	`|(\b[\w.%-]+:)[^\s:@/"\\]+(@(?:tcp|unix|cloudsql[\w-]*)\()` + // password in go-sql-driver's form
	`|("(?:authorization|cookie|set-cookie|key|x-goog-channel-token|x-goog-iap-jwt-assertion)":\s*\[?")[^"]*` + // headers as JSON
	`|()\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+` // a JSON web token

// scrubber hides the secrets of what is written, line by line: slog hands over whole lines.
type scrubber struct {
	to io.Writer
}

var secretPattern = regexp.MustCompile(secrets)

// Write implements [io.Writer].
func (s *scrubber) Write(line []byte) (int, error) {
	if _, err := s.to.Write(scrub(line)); err != nil {
		return 0, fmt.Errorf("write the log: %w", err)
	}
	return len(line), nil
}

func scrub(line []byte) []byte {
	return secretPattern.ReplaceAll(line, []byte("${1}${2}${3}${5}${7}${8}"+hidden+"${4}${6}"))
}
