package web

import "sync"

// maxPacks is how many compressed pages are kept.
const maxPacks = 64

// packs keeps pages as they are compressed, for compressing one takes longer than
// making it. It is safe for concurrent use.
type packs struct {
	mu  sync.Mutex
	all map[string][]byte // by the tag that tells a body from others
}

// get returns a body compressed.
func (p *packs) get(tag string, body []byte) []byte {
	p.mu.Lock()
	packed, ok := p.all[tag]
	p.mu.Unlock()
	if ok {
		return packed
	}
	packed = pack(body)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil || len(p.all) >= maxPacks {
		p.all = map[string][]byte{}
	}
	p.all[tag] = packed
	return packed
}
