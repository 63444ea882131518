package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"net/url"
	"time"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/i18n"
)

// mailer sends by SMTP with TLS. A server without STARTTLS gets no mail, unless it is on this machine or the
// address ends in ?clear=1.
type mailer struct {
	caller   *caller
	host     string
	address  string // host:port
	secure   bool   // TLS from the first byte
	clear    bool   // whether mail may go on unencrypted
	user     string
	password string
	from     *mail.Address
	texts    *i18n.Catalog
}

func newMail(caller *caller, texts *i18n.Catalog, address, password, from string) (*mailer, error) {
	at, err := url.Parse(address)
	if err != nil || at.Hostname() == "" || at.Scheme != "smtp" && at.Scheme != "smtps" {
		return nil, errors.New("the SMTP address is not like smtp://user@host:port")
	}
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("read the sender of mails %q: %w", from, err)
	}
	m := &mailer{
		caller:   caller,
		texts:    texts,
		host:     at.Hostname(),
		secure:   at.Scheme == "smtps",
		clear:    at.Query().Get("clear") == "1" || onThisMachine(at.Hostname()),
		user:     at.User.Username(),
		password: password,
		from:     sender,
	}
	port := at.Port()
	if port == "" {
		port = map[bool]string{false: "587", true: "465"}[m.secure]
	}
	m.address = net.JoinHostPort(m.host, port)
	return m, nil
}

// Name implements [Channel].
func (m *mailer) Name() string { return "mail" }

// AtMostOnce implements [Channel]. Whether a mail was sent cannot be looked up.
func (m *mailer) AtMostOnce() bool { return true }

// Send implements [Channel]. It returns [ErrUncertain] if the server may have accepted the mail. Any other
// error means that it has not.
func (m *mailer) Send(ctx context.Context, n Notice) error {
	to, err := mail.ParseAddress(n.To)
	if err != nil {
		return &fault.PermanentError{
			Cause: cause.MailRefused(),
			Err:   fmt.Errorf("read the address %q: %w", n.To, err),
		}
	}
	message, err := m.message(n, to)
	if err != nil {
		return err
	}
	return m.caller.do(ctx, "mail "+n.ID(), func(ctx context.Context) error {
		return m.deliver(ctx, to.Address, message)
	})
}

func (m *mailer) deliver(ctx context.Context, to string, message []byte) (err error) {
	conn, err := m.dial(ctx)
	if err != nil {
		return fmt.Errorf("reach the mail server: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	client, err := smtp.NewClient(conn, m.host)
	if err != nil {
		_ = conn.Close()
		return smtpError("greet the mail server", err)
	}
	defer func() { _ = client.Close() }()
	if err := m.introduce(client); err != nil {
		return err
	}
	if err := client.Mail(m.from.Address); err != nil {
		return smtpError("name the sender", err)
	}
	if err := client.Rcpt(to); err != nil {
		return smtpError("name the receiver", err)
	}
	body, err := client.Data()
	if err != nil {
		return smtpError("begin the mail", err)
	}
	if _, err := body.Write(message); err != nil {
		return fmt.Errorf("write the mail: %w", err) // without its last line the server drops it
	}
	if err := body.Close(); err != nil {
		if answered := (*textproto.Error)(nil); errors.As(err, &answered) {
			return smtpError("hand the mail over", err)
		}
		return fmt.Errorf("hand the mail over: %w: %w", ErrUncertain, err)
	}
	_ = client.Quit() // it is sent, whatever the server says to this
	return nil
}

func (m *mailer) dial(ctx context.Context) (net.Conn, error) {
	if m.secure {
		dialer := &tls.Dialer{Config: &tls.Config{ServerName: m.host, MinVersion: tls.VersionTLS12}}
		return dialer.DialContext(ctx, "tcp", m.address)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", m.address)
}

// onThisMachine reports whether a host is this machine.
func onThisMachine(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// introduce greets, encrypts and signs in. The library refuses to send a password in the clear, but to
// this machine.
func (m *mailer) introduce(client *smtp.Client) error {
	offered, _ := client.Extension("STARTTLS")
	if !offered && !m.secure && !m.clear {
		return &fault.PermanentError{
			Cause: cause.MailRefused(),
			Err:   errors.New("the mail server offers no encryption (STARTTLS); use smtps:// or add ?clear=1"),
		}
	}
	if offered && !m.secure {
		if err := client.StartTLS(&tls.Config{
			ServerName: m.host,
			MinVersion: tls.VersionTLS12,
		}); err != nil {
			return smtpError("encrypt", err)
		}
	}
	if m.password == "" {
		return nil
	}
	if err := client.Auth(smtp.PlainAuth("", m.user, m.password, m.host)); err != nil {
		return smtpError("sign in", err)
	}
	return nil
}

// smtpError: 5yz is for good, all else may be better in a moment.
func smtpError(what string, err error) error {
	var answered *textproto.Error
	if errors.As(err, &answered) && answered.Code >= 500 {
		return &fault.PermanentError{
			Cause: cause.MailRefused(),
			Err:   fmt.Errorf("%s: %w", what, err),
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}

func (m *mailer) message(n Notice, to *mail.Address) ([]byte, error) {
	var b bytes.Buffer
	header := func(name, value string) {
		b.WriteString(name + ": " + value + "\r\n")
	}
	header("From", m.from.String())
	header("To", to.String())
	header("Subject", mime.QEncoding.Encode("UTF-8", n.subject(m.texts.For(n.Language))))
	header("Date", n.At.Format(time.RFC1123Z))
	header("Message-ID", "<"+n.ID()+"@"+m.host+">")
	header("Auto-Submitted", "auto-generated")
	header("MIME-Version", "1.0")
	header("Content-Type", `text/plain; charset="UTF-8"`)
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	body := quotedprintable.NewWriter(&b)
	if _, err := body.Write([]byte(n.text(m.texts.For(n.Language)) + "\n")); err != nil {
		return nil, fmt.Errorf("write the mail %s: %w", n.ID(), err)
	}
	if err := body.Close(); err != nil {
		return nil, fmt.Errorf("write the mail %s: %w", n.ID(), err)
	}
	return b.Bytes(), nil
}
