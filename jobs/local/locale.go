package main

import (
	"os"
	"strings"

	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/report"
)

// language is that of the user's environment, as POSIX says: LC_ALL over LC_MESSAGES over LANG.
func language() report.Language {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := os.Getenv(name); value != "" {
			if strings.HasPrefix(value, "ru") {
				return report.Russian
			}
			break
		}
	}
	return report.English
}

// reason is a reason in the user's language.
func reason(r fault.Reason) string {
	if language() == report.Russian {
		return r.Ru
	}
	return r.En
}
