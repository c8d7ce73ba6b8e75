package votes

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"aggregator/lists"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	const body = `{"type":"vote.created"}`
	plain, encoded := lists.NewToken(ourOther, ""), lists.NewToken(ourSecret, "")
	for _, tt := range []struct {
		name   string
		secret lists.Token
		change func(h http.Header)
		body   string
		at     time.Time // by the receiver's clock
		want   string    // in the error; "" for none
	}{
		{"a plain secret", plain, nil, body, now, ""},
		{"a secret in base64", encoded, nil, body, now, ""},
		{"at the edge", plain, nil, body, now.Add(tolerance), ""},
		{"too late", plain, nil, body, now.Add(tolerance + time.Second), "5m1s off this clock"},
		{"too soon", plain, nil, body, now.Add(-tolerance - time.Second), "-5m1s off this clock"},
		{"another secret", lists.NewToken("another secret", ""), nil, body, now, "no signature is of this secret and body"},
		{"another body", plain, nil, body + " ", now, "no signature is of this secret and body"},
		{"another id", plain, func(h http.Header) { h.Set("webhook-id", "msg_b") }, body, now, "no signature is of this secret and body"},
		{"another time", plain, func(h http.Header) { h.Set("webhook-timestamp", "1795600000") }, body, now, "no signature is of this secret and body"},
		{"no id", plain, func(h http.Header) { h.Del("webhook-id") }, body, now, "header webhook-id is missing"},
		{"no timestamp", plain, func(h http.Header) { h.Del("webhook-timestamp") }, body, now, "header webhook-timestamp is missing"},
		{"no signature", plain, func(h http.Header) { h.Del("webhook-signature") }, body, now, "header webhook-signature is missing"},
		{"a timestamp in words", plain, func(h http.Header) { h.Set("webhook-timestamp", "now") }, body, now, "no Unix time"},
		{"no secret", lists.Token{}, nil, body, now, "the secret is empty"},
		{"an empty secret", lists.NewToken("", ""), nil, body, now, "the secret is empty"},
		{"whsec_ and nothing", lists.NewToken("whsec_", ""), nil, body, now, "the secret is empty"},
		{"a secret in bad base64", lists.NewToken("whsec_%%%", ""), nil, body, now, "is no base64"},
	} {
		signatures, err := sign([]lists.Token{encoded, plain}, "msg_a", now, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		h.Set("webhook-id", "msg_a")
		h.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
		h.Set("webhook-signature", signatures)
		if tt.change != nil {
			tt.change(h)
		}
		err = Verify(tt.secret, h, []byte(tt.body), tt.at)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
