package votes

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"aggregator/agent"
	"aggregator/lists"
	"aggregator/store"
)

// secretPrefix begins a secret that is written in base64.
const secretPrefix = "whsec_"

// newSigner returns what signs with a secret: of whsec_ and base64 the bytes that
// these stand for, of any other text its own bytes.
func newSigner(secret lists.Token) (*standardwebhooks.Webhook, error) {
	text := secret.Reveal()
	if !strings.HasPrefix(text, secretPrefix) {
		return standardwebhooks.NewWebhookRaw([]byte(text))
	}
	signer, err := standardwebhooks.NewWebhook(text)
	if err != nil { // the error would show a part of the secret
		return nil, fmt.Errorf("votes: a secret begins with %s and is no base64", secretPrefix)
	}
	return signer, nil
}

// sign returns the signatures of a message by all secrets, with a space between.
func sign(secrets []lists.Token, id string, at time.Time, body []byte) (string, error) {
	all := make([]string, 0, len(secrets))
	for _, secret := range secrets {
		signer, err := newSigner(secret)
		if err != nil {
			return "", err
		}
		signature, err := signer.Sign(id, at, body)
		if err != nil {
			return "", err
		}
		all = append(all, signature)
	}
	return strings.Join(all, " "), nil
}

// request returns what an endpoint is sent in an attempt that begins at a time.
func request(to *agent.SendTo, m store.Message, at time.Time, userAgent string) (lists.Request, error) {
	signature, err := sign(to.Secrets, m.ID, at, m.Body)
	if err != nil {
		return lists.Request{}, err
	}
	return lists.Request{
		Method: http.MethodPost,
		URL:    to.URL.Reveal(),
		Header: []lists.Header{
			{Name: "Content-Type", Value: "application/json"},
			{Name: "User-Agent", Value: userAgent},
			{Name: standardwebhooks.HeaderWebhookID, Value: m.ID},
			{Name: standardwebhooks.HeaderWebhookTimestamp, Value: strconv.FormatInt(at.Unix(), 10)},
			{Name: standardwebhooks.HeaderWebhookSignature, Value: signature},
		},
		Body: m.Body,
	}, nil
}
