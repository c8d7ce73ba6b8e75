package lists

import (
	"strings"
	"testing"
)

// TestCredential writes one credential in several ways.
func TestCredential(t *testing.T) {
	t.Parallel()
	bearer := mustList(t, "list.test", Entry{APIPost: "https://list.test/:id", Post: &PostEntry{Auth: &AuthEntry{Prefix: "Bearer "}}})
	raw := mustList(t, "list.test", Entry{APIPost: "https://list.test/:id"})
	for _, tt := range []struct {
		list        *List
		token, want string
	}{
		{bearer, "secret", "secret"},
		{bearer, "Bearer secret", "secret"},
		{bearer, "bearer secret", "secret"},
		{bearer, "Bearer ", "Bearer"},
		{bearer, "Bot secret", "secret"},
		{bearer, "token  secret", "secret"},
		{bearer, "Secret secret", "Secret secret"},
		{raw, "Bearer secret", "Bearer secret"},
	} {
		token, why := CheckToken(tt.token, "")
		if why != nil {
			t.Fatal(why)
		}
		call, _ := tt.list.PlanPost(Count{BotID: "123456789012345678"}, token, "")
		if got := call.Credential(); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.token, got, tt.want)
		}
	}
}

func TestBadHosts(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"https://:443/x", "https://list.test:99999/:id", "https://list.test:0/:id"} {
		if _, problems := New("list.test", Entry{Name: "L", URL: url}); len(problems) == 0 {
			t.Errorf("%s passes", url)
		}
	}
	l := mustList(t, "list.test", Entry{APIPost: "https://LIST.test/Bots/:id"})
	if got := l.PostURL(); got != "https://list.test/Bots/:id" {
		t.Errorf("post URL %q", got)
	}
}

func TestLongToken(t *testing.T) {
	t.Parallel()
	if _, why := CheckToken(strings.Repeat("x", 8<<10), ""); why != nil {
		t.Errorf("8 KiB: %s", why)
	}
	if _, why := CheckToken(strings.Repeat("x", 8<<10+1), ""); words(why) != "Bad token: longer than 8192 bytes" {
		t.Errorf("more: %q", words(why))
	}
}
