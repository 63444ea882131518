package main

import (
	"bytes"
	"context"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/nvr-miem/merger/pkg/localcloud/openid"
	"github.com/nvr-miem/merger/pkg/web/auth"
)

// secretOfClient is that of serve at the stand-in for the issuer.
const secretOfClient = "a-secret-of-the-client"

// TestSignInFlags wants a sentence for every mistake, all at once, and no page without a sign-in that other
// machines reach.
func TestSignInFlags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(secretOfClient+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	oidc := []string{
		"--sign-in", "oidc", "--oidc-client", "nvr", "--oidc-secret-file", secret, "--domain", "example.org",
		"--public-url", "https://nvr.example.org",
	}
	tests := []struct {
		flags []string
		want  []string
	}{
		{[]string{"--listen", "0.0.0.0:8080"}, []string{"--listen 0.0.0.0:8080", "--sign-in oidc"}},
		{[]string{"--listen", ":8080"}, []string{"--listen :8080"}},
		{[]string{"--sign-in", "iap"}, []string{"--sign-in"}},
		{
			[]string{"--sign-in", "oidc"},
			[]string{"--oidc-client", "OIDC_CLIENT_SECRET", "--domain", "--public-url"},
		},
		{append(oidc, "--public-url", "http://nvr.example.org"), []string{"--public-url"}},
		{append(oidc, "--public-url", "https://nvr.example.org/nvr"), []string{"--public-url"}},
		{append(oidc, "--public-url", "https://nvr.example.org?x"), []string{"--public-url"}},
		{append(oidc, "--oidc-issuer", "http://id.example.org"), []string{"--oidc-issuer"}},
		{append(oidc, "--user", "a@example.org"), []string{"--user"}},
		{
			[]string{"--domain", "example.org", "--public-url", "https://nvr.example.org"},
			[]string{"--domain", "--public-url", "--sign-in oidc"},
		},
	}
	for _, test := range tests {
		args := append([]string{"serve", "--data", dir, "--listen", "127.0.0.1:0"}, test.flags...)
		_, stderr := runs(t, exitUsage, args...)
		for _, want := range test.want {
			if !strings.Contains(stderr, want) {
				t.Errorf("%q: no %s in %s", test.flags, want, stderr)
			}
		}
	}
}

// TestSignedInRequest goes from nothing to a lecturer's request: serve starts while the issuer is away, the
// lecturer signs in at the issuer when it is back, requests a recording, and is still signed in after a
// restart. What is for this machine only is on another port.
func TestSignedInRequest(t *testing.T) {
	t.Parallel()
	s := newServed(t, "504")
	issuer := s.withSignIn()
	issuer.SetDown(true)
	s.up()
	eventually(t, "serve says that nobody can sign in", func() bool {
		return strings.Contains(s.printed(), "Nobody can sign in yet")
	})
	issuer.SetDown(false)
	s.room("504")
	s.insideIsElsewhere()
	s.secretsAreKept()

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	browser := openBrowser(ctx, t)
	lecturer := hand{language: "en", width: 1280, scripts: true, from: "10:00", to: "10:01"}
	lecturer.sits(browser, s)
	do := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(browser, steps...); err != nil {
			t.Fatal(err)
		}
	}
	at := func(path string) {
		t.Helper()
		s.until("the browser is at "+path, func() bool {
			where, err := chromedp.Run(browser, chromedp.Evaluate[string](`document.readyState == "complete" ? location.href : ""`))
			return err == nil && strings.HasPrefix(where, path)
		})
	}
	do(chromedp.Navigate(s.base + "/?room=504&date=" + lesson()))
	at(issuer.URL() + "/authorize?")
	do(chromedp.Click(chromedp.CSS("a")))
	at(s.base + "/?room=504")
	lecturer.pictures(browser, s, "signed-in")
	do(
		chromedp.SetValue(chromedp.CSS("#start"), lecturer.from),
		chromedp.SetValue(chromedp.CSS("#end"), lecturer.to),
		chromedp.SetValue(chromedp.CSS("#title"), "Algebra"),
		chromedp.Click(chromedp.CSS("#ask .primary")),
	)
	at(s.base + "/recordings")
	if text := ask[string](browser, t, "document.body.innerText"); !strings.Contains(text, "Algebra") ||
		!strings.Contains(text, "Signed in as lecturer@example.org") {
		t.Errorf("the page shows %s", text)
	}
	if rows := s.rows(); len(rows) != 1 {
		t.Errorf("%d records, want the requested one", len(rows))
	}
	lecturer.pictures(browser, s, "requested")

	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	s.ended(nil)
	s.up()
	do(chromedp.Navigate(s.base + "/recordings"))
	at(s.base + "/recordings")
	do(chromedp.Click(chromedp.CSS(`form[action="/sign-out"] button`)))
	at(s.base + "/sign-out")
	lecturer.pictures(browser, s, "signed-out")
	text := ask[string](browser, t, "document.body.innerText")
	if !strings.Contains(text, "You are signed out") {
		t.Errorf("the page shows %s", text)
	}
}

// withSignIn starts an issuer and sets the flags of a serve that uses it.
func (s *served) withSignIn() *openid.Issuer {
	s.Helper()
	public := "http://127.0.0.1:" + strconv.Itoa(twoPorts(s.T))
	issuer, err := openid.Start(openid.Options{
		Client:   "nvr",
		Secret:   secretOfClient,
		Redirect: public + auth.CallbackPath,
		Accounts: []openid.Account{{Email: "lecturer@example.org"}},
		Now:      time.Now,
	})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(issuer.Close)
	secret := filepath.Join(s.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(secretOfClient), 0o600); err != nil {
		s.Fatal(err)
	}
	s.flags = append(s.flags,
		"--listen", strings.TrimPrefix(public, "http://"),
		"--sign-in", "oidc",
		"--oidc-issuer", issuer.URL(),
		"--oidc-client", "nvr",
		"--oidc-secret-file", secret,
		"--domain", "example.org",
		"--public-url", public,
	)
	return issuer
}

// twoPorts returns a port that is free together with the next one. Linux gives neither to outgoing
// connections.
func twoPorts(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 10_000 + mathrand.IntN(9_000)
		first, firstErr := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		second, secondErr := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port+1))
		if firstErr == nil {
			_ = first.Close() // it was only tried
		}
		if secondErr == nil {
			_ = second.Close()
		}
		if firstErr == nil && secondErr == nil {
			return port
		}
	}
	t.Fatal("no two free ports")
	return 0
}

// insideIsElsewhere checks that functions, stand-ins and counters are not on the port of the page, even for
// this machine, where a proxy may stand; the next port has them.
func (s *served) insideIsElsewhere() {
	s.Helper()
	inside := s.with(s.T)
	host, port, _ := strings.Cut(strings.TrimPrefix(s.base, "http://"), ":")
	number, err := strconv.Atoi(port)
	if err != nil {
		s.Fatal(err)
	}
	inside.base = "http://" + host + ":" + strconv.Itoa(number+1)
	for _, path := range []string{"/workspace/", "/metrics"} {
		s.call(http.StatusNotFound, http.MethodGet, path, "")
		inside.call(http.StatusOK, http.MethodGet, path, "")
	}
	for _, path := range []string{"/functions/claim", "/workspace/faults"} {
		s.call(http.StatusNotFound, http.MethodPost, path, "")
	}
	inside.call(http.StatusNoContent, http.MethodPost, "/functions/claim", "")
	inside.call(http.StatusForbidden, http.MethodPost, "/functions/claim", "", "Origin", s.base)
	s.call(http.StatusOK, http.MethodGet, "/healthz", "")
}

// secretsAreKept checks that only form knows the secrets of the sign-in, and that no other user can read
// the key.
func (s *served) secretsAreKept() {
	s.Helper()
	info, err := os.Stat(filepath.Join(s.dir, "session-key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		s.Errorf("the key of sessions: %v, %v", info, err)
	}
	knows := 0
	for pid := range below(s.cmd.Process.Pid) {
		environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
		if err != nil || !bytes.Contains(environ, []byte(secretOfClient)) {
			continue
		}
		knows++
		if !bytes.Contains(environ, []byte("FUNCTION_TARGET=form\x00")) {
			s.Errorf("a child other than form has the secret: %d", pid)
		}
	}
	if knows != 1 {
		s.Errorf("%d children have the secret, want form", knows)
	}
}
