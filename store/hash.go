package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"sync"
)

// NewHasher returns a function that makes a Key of parts, such as the words of
// a scope, a token or an address. Whoever lacks the secret can neither read
// the parts back nor test a guess. It is safe for concurrent use.
func NewHasher(secret []byte) func(parts ...string) Key {
	secret = slices.Clone(secret)
	pool := sync.Pool{New: func() any { return &hasher{mac: hmac.New(sha256.New, secret)} }}
	return func(parts ...string) Key {
		h := pool.Get().(*hasher)
		defer pool.Put(h)
		h.buf = h.buf[:0]
		for _, part := range parts {
			// The length keeps ("ab", "c") apart from ("a", "bc").
			h.buf = binary.AppendUvarint(h.buf, uint64(len(part)))
			h.buf = append(h.buf, part...)
		}
		h.mac.Reset()
		h.mac.Write(h.buf)
		h.buf = h.mac.Sum(h.buf[:0]) // over the parts, which hold tokens
		return Key(h.buf[:len(Key{})])
	}
}

// hasher is what one call works with; it is used again.
type hasher struct {
	mac hash.Hash
	buf []byte
}
