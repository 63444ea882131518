package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/nvr-miem/merger/pkg/cause"
	"github.com/nvr-miem/merger/pkg/i18n"
)

// recentMessages is how far back a conversation is searched for the notice.
const recentMessages = "200"

// zulip writes direct messages as a bot.
type zulip struct {
	caller *caller
	base   string // https://zulip.example.org
	bot    string
	key    string
	texts  *i18n.Catalog
}

func newZulip(caller *caller, texts *i18n.Catalog, address, key string) (*zulip, error) {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" || at.User == nil {
		return nil, errors.New("the Zulip address is not like https://bot%40example.org@zulip.example.org/")
	}
	z := &zulip{
		caller: caller,
		texts:  texts,
		bot:    at.User.Username(),
		key:    key,
	}
	at.User = nil
	z.base = strings.TrimSuffix(at.String(), "/")
	if z.bot == "" || key == "" {
		return nil, errors.New("the Zulip address names no bot, or its key is missing")
	}
	return z, nil
}

// Name implements [Channel].
func (z *zulip) Name() string { return "zulip" }

// AtMostOnce implements [Channel]. It returns false: Send searches the conversation for the notice first.
func (z *zulip) AtMostOnce() bool { return false }

// Send implements [Channel].
func (z *zulip) Send(ctx context.Context, n Notice) error {
	shown := n
	shown.Title, shown.Room = quoteMarkdown(n.Title), quoteMarkdown(n.Room)
	content := shown.text(z.texts.For(n.Language)) + "\n" + mark(n)
	return z.caller.do(ctx, "write to Zulip with "+n.ID(), func(ctx context.Context) error {
		if there, err := z.sent(ctx, n); err != nil || there {
			return err
		}
		to, err := json.Marshal([]string{n.To})
		if err != nil {
			return err
		}
		_, err = z.call(ctx, http.MethodPost, url.Values{
			"type":    {"private"},
			"to":      {string(to)},
			"content": {content},
		})
		return err // an answer that was lost is looked for by the next try
	})
}

// mark returns the text by which a sent notice is found again.
func mark(n Notice) string {
	return "`" + n.ID() + "`"
}

// sent reports whether the conversation holds the notice.
func (z *zulip) sent(ctx context.Context, n Notice) (bool, error) {
	narrow, err := json.Marshal([]map[string]any{
		{"operator": "pm-with", "operand": n.To}, {"operator": "sender", "operand": z.bot},
	})
	if err != nil {
		return false, err
	}
	body, err := z.call(ctx, http.MethodGet, url.Values{
		"anchor":         {"newest"},
		"num_before":     {recentMessages},
		"num_after":      {"0"},
		"narrow":         {string(narrow)},
		"apply_markdown": {"false"},
	})
	if err != nil {
		return false, err
	}
	var found struct {
		Messages []struct{ Content string }
	}
	if err := json.Unmarshal(body, &found); err != nil {
		return false, fmt.Errorf("read Zulip's messages: %w", err)
	}
	for _, message := range found.Messages {
		if strings.Contains(message.Content, mark(n)) {
			return true, nil
		}
	}
	return false, nil
}

func (z *zulip) call(ctx context.Context, method string, form url.Values) ([]byte, error) {
	address, body := z.base+"/api/v1/messages", ""
	if method == http.MethodGet {
		address += "?" + form.Encode()
	} else {
		body = form.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(z.bot, z.key)
	return z.caller.send(request, cause.ZulipRefused())
}

// quoteMarkdown keeps a title from being read as a mention or as markup.
func quoteMarkdown(text string) string {
	return strings.NewReplacer("@", "@\u200b", "`", "ʼ", "*", "∗", "[", "(", "]", ")").Replace(text)
}
