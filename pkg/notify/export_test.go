package notify

import (
	"net/mail"

	"github.com/nvr-miem/merger/pkg/i18n"
)

// MailText is a notice as a mail.
func MailText(n Notice) ([]byte, error) {
	m := &mailer{
		texts: i18n.Default(),
		host:  "mail.example.org",
		from:  &mail.Address{Address: "video@school.example"},
	}
	return m.message(n, &mail.Address{Address: n.To})
}
