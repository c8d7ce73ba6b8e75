package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"sync"
)

// NewHasher answers a function that makes a Key of parts, such as the words of
// a scope, a token or an address. Whoever lacks the secret can neither read
// the parts back nor test a guess. It is safe for concurrent use.
func NewHasher(secret []byte) func(parts ...string) Key {
	secret = slices.Clone(secret)
	macs := sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}
	return func(parts ...string) Key {
		message := make([]byte, 0, 256)
		for _, part := range parts {
			// The length keeps ("ab", "c") apart from ("a", "bc").
			message = binary.AppendUvarint(message, uint64(len(part)))
			message = append(message, part...)
		}
		mac := macs.Get().(hash.Hash)
		defer macs.Put(mac)
		mac.Reset()
		mac.Write(message)
		return Key(mac.Sum(message[:0])[:len(Key{})])
	}
}
