package notify

import (
	"context"
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

// DeliverTo sends a mail to a server at an address as if it had the name of another machine. query is that of
// the configured address.
func DeliverTo(ctx context.Context, server, query string) error {
	m, err := newMail(nil, i18n.Default(), "smtp://mail.example.org/"+query, "", "video@school.example")
	if err != nil {
		return err
	}
	m.address = server
	return m.deliver(ctx, "anna@school.example", []byte("Subject: x\r\n\r\nx\r\n"))
}
