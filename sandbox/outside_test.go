package sandbox

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aggregator/lists"
)

func TestOutside(t *testing.T) {
	const bot = "123456789012345678"
	l, problems := lists.New("list.example", lists.Entry{Name: "L", URL: "https://list.example/", APIPost: "https://list.example/:id", APIField: "n"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	box := New([]*lists.List{l})
	o := NewOutside(box, 7)
	o.Bot("Bot named", bot)
	id := base64.RawStdEncoding.EncodeToString([]byte(bot)) + ".abc.def"
	for _, tt := range []struct {
		name, method, url, token, body string
		status                         int
		want                           string // in the answer
	}{
		{"Discord", "GET", "https://discord.com/api/v10/applications/@me", "Bot named", "", 200, `"approximate_guild_count":7`},
		{"its bot", "GET", "https://discord.com/api/v10/applications/@me", "Bot named", "", 200, `"bot":{"bot":true,"id":"` + bot + `"`},
		{"a token like a real one", "GET", "http://127.0.0.1/api/applications/@me", "Bot " + id, "", 200, `"id":"` + bot + `"`},
		{"a bad token", "GET", "https://discord.com/api/v10/applications/@me", "Bot bad", "", 401, "401: Unauthorized"},
		{"an unknown token", "GET", "https://discord.com/api/v10/applications/@me", "Bot other", "", 401, "401: Unauthorized"},
		{"no scheme", "GET", "https://discord.com/api/v10/applications/@me", "named", "", 401, "401: Unauthorized"},
		{"commands", "GET", "https://discord.com/api/v10/applications/" + bot + "/commands", "Bot named", "", 200, `"name":"ban"`},
		{"commands of another bot", "GET", "https://discord.com/api/v10/applications/123456789012345670/commands", "Bot named", "", 403, "Missing Access"},
		{"commands without a token", "GET", "https://discord.com/api/v10/applications/" + bot + "/commands", "", "", 401, "401: Unauthorized"},
		{"a webhook", "POST", "https://discord.com/api/webhooks/1/abc?thread_id=2", "", `{"content":"x"}`, 204, ""},
		{"a webhook that is gone", "POST", "https://discord.com/api/v10/webhooks/1/gone", "", `{"content":"x"}`, 404, "Unknown Webhook"},
		{"nothing to say", "POST", "https://discord.com/api/webhooks/1/abc", "", `{}`, 400, "Must be between"},
		{"too much to say", "POST", "https://discord.com/api/webhooks/1/abc", "", `{"content":"` + strings.Repeat("x", 2001) + `"}`, 400, "Must be between"},
		{"no JSON", "POST", "https://discord.com/api/webhooks/1/abc", "", `x`, 400, "invalid JSON"},
		{"a server of one's own", "GET", "http://bot.example/health", "", "", 200, `"servers":7`},
		{"that takes notices", "POST", "http://bot.example/notices", "", `{"type":"notice"}`, 204, ""},
		{"and nothing else", "DELETE", "http://bot.example/notices", "", "", 405, "not allowed"},
		{"a list", "POST", "https://list.example/" + bot, "token", `{"n":5}`, 200, "success"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), tt.method, tt.url, strings.NewReader(tt.body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("User-Agent", "DiscordBot (https://a.example, 1)")
		if tt.token != "" {
			r.Header.Set("Authorization", tt.token)
		}
		w := httptest.NewRecorder()
		o.ServeHTTP(w, r)
		body, _ := io.ReadAll(w.Body)
		if w.Code != tt.status || !strings.Contains(string(body), tt.want) {
			t.Errorf("%s: %d %s, want %d and %s", tt.name, w.Code, body, tt.status, tt.want)
		}
	}
	all := o.Messages()
	if len(all) != 2 || all[0].URL != "https://discord.com/api/webhooks/1/abc?thread_id=2" || string(all[1].Body) != `{"type":"notice"}` {
		t.Errorf("messages %+v, want those of the webhook and of the server", all)
	}
	if n, ok := box.Count("list.example", bot); !ok || n != 5 {
		t.Errorf("the list has %d, %t, want 5", n, ok)
	}
	o.SetServers(9)
	w := httptest.NewRecorder()
	o.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "http://bot.example/", nil))
	if !strings.Contains(w.Body.String(), `"shards":[4,5]`) {
		t.Errorf("with 9 servers the server says %s", w.Body)
	}
}

func TestRefuse(t *testing.T) {
	l, problems := lists.New("list.example", lists.Entry{Name: "L", URL: "https://list.example/", APIPost: "https://list.example/:id", APIField: "n"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	box := New([]*lists.List{l})
	post := func() int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://list.example/123456789012345678", strings.NewReader(`{"n":5}`))
		r.Header.Set("Authorization", "token")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		box.ServeHTTP(w, r)
		return w.Code
	}
	for _, tt := range []struct {
		refuse bool
		want   int
	}{{false, 200}, {true, 401}, {false, 200}} {
		if err := box.Refuse("list.example", tt.refuse); err != nil {
			t.Fatal(err)
		}
		if got := post(); got != tt.want {
			t.Errorf("refusing %t: %d, want %d", tt.refuse, got, tt.want)
		}
	}
	if box.Refuse("other.example", true) == nil {
		t.Error("a list that there is not can be made to refuse")
	}
}
