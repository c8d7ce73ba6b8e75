package lists

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// checkSignature checks a signature of the body.
func (p *proof) checkSignature(d Delivery, key []byte) (reason string) {
	given := p.signatures(d)
	if len(given) == 0 {
		return ReasonMalformed
	}
	if !anySame(given, sign(key, d.Body)) {
		return ReasonWrongSecret
	}
	return ""
}

// checkTimestamped checks a signature of a timestamp and the body.
func (p *proof) checkTimestamped(d Delivery, key []byte, now time.Time) (reason string) {
	var stamp string
	var given [][]byte
	if p.timestamp == "" {
		if values := d.Header.Values(p.name); len(values) == 1 {
			stamp, given = parseTimestamped(values[0])
		}
	} else if values := d.Header.Values(p.timestamp); len(values) == 1 {
		stamp, given = values[0], p.signatures(d)
	}
	at, err := strconv.ParseInt(stamp, 10, 64)
	if len(given) == 0 || err != nil || !isDigits(stamp) {
		return ReasonMalformed
	}
	if !anySame(given, sign(key, []byte(stamp+"."), d.Body)) {
		return ReasonWrongSecret
	}
	if off := now.Unix() - at; off > int64(tolerance/time.Second) || off < -int64(tolerance/time.Second) {
		return ReasonClock
	}
	return ""
}

// signatures returns the signature in the proof's header, which is alone in it.
func (p *proof) signatures(d Delivery) [][]byte {
	values := d.Header.Values(p.name)
	if len(values) != 1 {
		return nil
	}
	text, ok := strings.CutPrefix(values[0], p.prefix)
	signature, err := hex.DecodeString(text)
	if !ok || err != nil || len(signature) != sha256.Size {
		return nil
	}
	return [][]byte{signature}
}

// parseTimestamped reads a header such as "t=1795600000,v1=…,v1=…": its
// timestamp, "" where there is not one, and its signatures.
func parseTimestamped(text string) (stamp string, signatures [][]byte) {
	for part := range strings.SplitSeq(text, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "t":
			if stamp != "" {
				return "", nil
			}
			stamp = value
		case "v1":
			if signature, err := hex.DecodeString(value); err == nil && len(signature) == sha256.Size {
				signatures = append(signatures, signature)
			}
		}
	}
	return stamp, signatures
}

// sign returns the HMAC-SHA256 of parts that follow each other.
func sign(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// anySame reports whether one of the signatures is the one that is wanted.
func anySame(signatures [][]byte, want []byte) bool {
	same := false
	for _, signature := range signatures {
		same = hmac.Equal(signature, want) || same
	}
	return same
}
