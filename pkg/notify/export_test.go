package notify

import "net/mail"

// MailText is a notice as a mail.
func MailText(n Notice) ([]byte, error) {
	m := &mailer{host: "mail.example.org", from: &mail.Address{Address: "video@school.example"}}
	return m.message(n, &mail.Address{Address: n.To})
}
