package notify_test

import (
	"bufio"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/fault"
	"github.com/nvr-miem/merger/pkg/notify"
)

// mailServer speaks as much SMTP as a mail needs. answers overrides the reply to a verb, once each time
// it is listed; "cut" breaks the connection instead.
type mailServer struct {
	listener net.Listener
	mu       sync.Mutex
	answers  map[string][]string
	mails    []string
	done     sync.WaitGroup
}

func serveMail(t *testing.T, answers map[string][]string) (*mailServer, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &mailServer{listener: listener, answers: answers}
	s.done.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.done.Go(func() { s.talk(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); s.done.Wait() })
	return s, "smtp://" + listener.Addr().String()
}

// taken returns the mails that the server has accepted so far.
func (s *mailServer) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

func (s *mailServer) reply(verb, usual string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if list := s.answers[verb]; len(list) > 0 {
		s.answers[verb] = list[1:]
		return list[0]
	}
	return usual
}

func (s *mailServer) talk(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	lines := bufio.NewReader(conn)
	say := func(verb, usual string) bool {
		text := s.reply(verb, usual)
		if text == "cut" {
			return false
		}
		_, err := io.WriteString(conn, text+"\r\n")
		return err == nil
	}
	if !say("hello", "220 here") {
		return
	}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		verb := strings.ToUpper(strings.Fields(line + " x")[0])
		usual := map[string]string{"DATA": "354 go on", "QUIT": "221 bye"}[verb]
		if usual == "" {
			usual = "250 fine"
		}
		if !say(verb, usual) {
			return
		}
		if verb == "DATA" {
			var text strings.Builder
			for {
				line, err := lines.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				text.WriteString(line)
			}
			s.mu.Lock()
			s.mails = append(s.mails, text.String())
			s.mu.Unlock()
			if !say("end", "250 taken") {
				return
			}
		}
	}
}

func TestMail(t *testing.T) {
	t.Parallel()
	s, address := serveMail(t, map[string][]string{
		"hello": {"421 busy", "cut"},
		"RCPT":  {"451 later"},
	})
	means := only(t, notify.Options{SMTP: address, SMTPFrom: "Видео <video@school.example>"})
	if err := means.Send(t.Context(), ready()); err != nil {
		t.Fatal(err)
	}
	mails := s.taken()
	if len(mails) != 1 {
		t.Fatalf("mails %q", mails)
	}
	m, err := mail.ReadMessage(strings.NewReader(mails[0]))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || !strings.HasPrefix(subject, "Видео готово: Лекция") {
		t.Errorf("subject %q, %v", subject, err)
	}
	if m.Header.Get("Bcc") != "" || m.Header.Get("Message-Id") != "<record-12-done@127.0.0.1>" {
		t.Errorf("header %v", m.Header)
	}
	body, _ := io.ReadAll(quotedprintable.NewReader(m.Body))
	if !strings.Contains(string(body), "https://drive.google.com/file/d/f1/view") {
		t.Errorf("body %s", body)
	}
}

func TestMailThatMayHaveBeenSentIsNotSentAgain(t *testing.T) {
	t.Parallel()
	s, address := serveMail(t, map[string][]string{"end": {"cut"}})
	means := only(t, notify.Options{SMTP: address, SMTPFrom: "video@school.example"})
	if err := means.Send(t.Context(), ready()); !errors.Is(err, notify.ErrUncertain) {
		t.Errorf("got %v", err)
	}
	if len(s.taken()) != 1 {
		t.Errorf("mails %q", s.taken())
	}
}

func TestMailThatIsRefused(t *testing.T) {
	t.Parallel()
	var permanent *fault.PermanentError
	s, address := serveMail(t, map[string][]string{"RCPT": {"550 no such person"}})
	means := only(t, notify.Options{SMTP: address, SMTPFrom: "video@school.example"})
	if err := means.Send(t.Context(), failed()); !errors.As(err, &permanent) || !permanent.Cause.Is(cause.CodeMailRefused) {
		t.Errorf("got %v", err)
	}
	n := ready()
	n.To = "a@b.example, c@d.example"
	if err := means.Send(t.Context(), n); !errors.As(err, &permanent) {
		t.Errorf("two receivers: %v", err)
	}
	if len(s.taken()) != 0 {
		t.Errorf("mails %q", s.taken())
	}
}

// TestMailIsNotSentInClear refuses a server of another machine that offers no STARTTLS.
func TestMailIsNotSentInClear(t *testing.T) {
	t.Parallel()
	server, address := serveMail(t, nil)
	address = strings.TrimPrefix(address, "smtp://")
	if err := notify.DeliverTo(t.Context(), address, ""); err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("the error is %v", err)
	}
	if taken := server.taken(); len(taken) > 0 {
		t.Errorf("a mail was sent in clear: %q", taken)
	}
	if err := notify.DeliverTo(t.Context(), address, "?clear=1"); err != nil {
		t.Errorf("with ?clear=1: %v", err)
	}
}

// FuzzMailHeaders puts anything into a title and a room: they stay inside the subject and the body.
func FuzzMailHeaders(f *testing.F) {
	f.Add("Title\r\nBcc: a@b.example\r\n\r\nbody", "504\n.\nQUIT")
	f.Fuzz(func(t *testing.T, title, room string) {
		n := ready()
		n.Title, n.Room = title, room
		text, err := notify.MailText(n)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(strings.NewReader(string(text)))
		if err != nil || len(m.Header) != 9 {
			t.Errorf("%v: header %v", err, m)
		}
	})
}
