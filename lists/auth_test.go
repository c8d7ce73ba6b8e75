package lists

import (
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
