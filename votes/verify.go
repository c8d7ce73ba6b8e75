package votes

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"aggregator/lists"
)

// tolerance is how far the timestamp of a message may be from the clock of who
// takes it.
const tolerance = 5 * time.Minute

// errNoSecret is returned where there is nothing to verify with.
var errNoSecret = errors.New("votes: the secret is empty")

// CheckSecret returns an error that repeats nothing of a secret with which no
// message can be signed or verified.
func CheckSecret(secret lists.Token) error {
	if secret.IsZero() || secret.Reveal() == "" || secret.Reveal() == secretPrefix {
		return errNoSecret
	}
	_, err := newSigner(secret)
	return err
}

// Verify checks that a message, as an endpoint gets it at the time now, is signed
// with a secret, by any of its signatures. The error is for people, and says what
// is wrong.
func Verify(secret lists.Token, header http.Header, body []byte, now time.Time) error {
	if err := CheckSecret(secret); err != nil {
		return err
	}
	for _, name := range []string{standardwebhooks.HeaderWebhookID, standardwebhooks.HeaderWebhookTimestamp, standardwebhooks.HeaderWebhookSignature} {
		if header.Get(name) == "" {
			return fmt.Errorf("votes: header %s is missing", name)
		}
	}
	at, err := strconv.ParseInt(header.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	if err != nil {
		return fmt.Errorf("votes: header %s is no Unix time", standardwebhooks.HeaderWebhookTimestamp)
	}
	signer, err := newSigner(secret)
	if err != nil {
		return err
	}
	// The library checks the time by a clock of its own, so that is left to here.
	if signer.VerifyIgnoringTimestamp(body, header) != nil {
		return errors.New("votes: no signature is of this secret and body")
	}
	if off := now.Sub(time.Unix(at, 0)); off > tolerance || off < -tolerance {
		return fmt.Errorf("votes: the signature is good, but %s off this clock, want at most %s", off.Round(time.Second), tolerance)
	}
	return nil
}
