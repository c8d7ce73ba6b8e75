package lists

import (
	"encoding/json"
	"testing"
)

// mustRead plans a reading of a list with the given get part.
func mustRead(t testing.TB, id string, g *GetEntry) ReadCall {
	t.Helper()
	call, skipped := mustList(t, id, Entry{APIGet: "https://" + id + "/:id", Get: g}).PlanRead(someBot, Token{}, someAgent)
	if skipped != nil {
		t.Fatalf("%s: skipped: %s", id, skipped)
	}
	return call
}

// merge reads the answers to calls, and merges them.
func merge(calls []ReadCall, answers []Answer) Bot {
	readings := make([]Reading, len(calls))
	for i, c := range calls {
		readings[i] = c.Read(answers[i])
	}
	return Merge(someBot, readings)
}

// readOne is what is read of one list's answer.
func readOne(t testing.TB, g *GetEntry, body string) Bot {
	t.Helper()
	return merge([]ReadCall{mustRead(t, "list.test", g)}, []Answer{{Status: 200, Body: []byte(body)}})
}

// notable are the fields of a bot that are not at their defaults, as JSON, by
// name.
func notable(t testing.TB, b Bot) string {
	t.Helper()
	var all, none map[string]json.RawMessage
	for v, to := range map[*Bot]*map[string]json.RawMessage{
		&b: &all,
		{ID: b.ID, Username: "Unknown", Discriminator: "0000", Owners: []string{}}: &none,
	} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, to); err != nil {
			t.Fatal(err)
		}
	}
	for k, v := range none {
		if string(all[k]) == string(v) {
			delete(all, k)
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPlanRead(t *testing.T) {
	t.Parallel()
	const url = "https://list.test/:id"
	const numbers = `Bad token: list.test numbers bots itself; send "NUMBER:token" or {"token": "token", "bot_id": "NUMBER"} with its number of your bot`
	secret := NewToken("tok-secret", "")
	for _, tt := range []struct {
		name    string
		entry   Entry
		key     Token
		want    string
		masked  string // as want, when empty
		skipped string
	}{
		{name: "plain", entry: Entry{APIGet: url}, want: "GET https://list.test/123456789012345678\nUser-Agent: caller/1.0\n"},
		{name: "plain with a key that is not asked for", entry: Entry{APIGet: url}, key: secret, want: "GET https://list.test/123456789012345678\nUser-Agent: caller/1.0\n"},
		{name: "own URL", entry: Entry{APIGet: url, Get: &GetEntry{URL: "https://list.test/v2/:id"}}, want: "GET https://list.test/v2/123456789012345678\nUser-Agent: caller/1.0\n"},
		{name: "headers", entry: Entry{APIGet: url, Get: &GetEntry{Headers: map[string]string{"User-Agent": "svc DBots/:id", "Accept": "text/html"}}}, want: "GET https://list.test/123456789012345678\nAccept: text/html\nUser-Agent: svc DBots/123456789012345678\n"},
		{name: "key", entry: Entry{APIGet: url, Get: &GetEntry{Auth: &AuthEntry{Prefix: "Bearer "}}}, key: secret,
			want: "GET https://list.test/123456789012345678\nAuthorization: Bearer tok-secret\nUser-Agent: caller/1.0\n", masked: "GET https://list.test/123456789012345678\nAuthorization: Bearer ***\nUser-Agent: caller/1.0\n"},
		{name: "key in the query", entry: Entry{APIGet: url, Get: &GetEntry{Auth: &AuthEntry{In: "query", Name: "key"}}}, key: secret,
			want: "GET https://list.test/123456789012345678?key=tok-secret\nUser-Agent: caller/1.0\n", masked: "GET https://list.test/123456789012345678?key=***\nUser-Agent: caller/1.0\n"},
		{name: "list's number", entry: Entry{Get: &GetEntry{URL: "https://list.test/:list_bot_id", Auth: &AuthEntry{}}}, key: NewToken("42:tok-secret", ""),
			want: "GET https://list.test/42\nAuthorization: tok-secret\nUser-Agent: caller/1.0\n", masked: "GET https://list.test/42\nAuthorization: ***\nUser-Agent: caller/1.0\n"},
		{name: "list's number is missing", entry: Entry{Get: &GetEntry{URL: "https://list.test/:list_bot_id", Auth: &AuthEntry{}}}, key: secret, skipped: numbers},
		{name: "no key", entry: Entry{APIGet: url, Get: &GetEntry{Auth: &AuthEntry{}}}, skipped: "No key"},
		{name: "no key for a list that numbers bots", entry: Entry{Get: &GetEntry{URL: "https://list.test/:list_bot_id", Auth: &AuthEntry{}}}, skipped: "No key"},
		{name: "defunct", entry: Entry{Defunct: true, APIGet: url}, skipped: "Defunct"},
		{name: "no way to read", entry: Entry{APIPost: url}, skipped: "No get API"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			call, skipped := mustList(t, "list.test", tt.entry).PlanRead(someBot, tt.key, someAgent)
			if words(skipped) != tt.skipped {
				t.Fatalf("skipped %q, want %q", words(skipped), tt.skipped)
			}
			if skipped != nil {
				return
			}
			masked := tt.masked
			if masked == "" {
				masked = tt.want
			}
			if got := onWire(call.Wire()); got != tt.want {
				t.Errorf("request:\n%s\nwant:\n%s", got, tt.want)
			}
			if got := onWire(call.Masked()); got != masked {
				t.Errorf("masked:\n%s\nwant:\n%s", got, masked)
			}
			if call.Keyed() != (tt.masked != "") || call.Token().IsZero() == call.Keyed() {
				t.Errorf("keyed is %t, with token: %t", call.Keyed(), !call.Token().IsZero())
			}
			if call.Sent() != "" || call.Op() != Readings || call.BotID() != someBot {
				t.Errorf("sent %q, of %s, bot %s", call.Sent(), call.Op().Name, call.BotID())
			}
		})
	}
}
