package httpapi

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// KeyPair is the certificate that a server shows, and its key, of two files that
// may change while it serves. It is safe for concurrent use.
type KeyPair struct {
	certFile, keyFile string
	log               *slog.Logger
	current           atomic.Pointer[tls.Certificate]

	mu   sync.Mutex
	seen [sha256.Size]byte // what the files held, or why they could not be read
}

// LoadKeyPair loads a certificate, with those that vouch for it after it, and its
// key, both PEM. The error names the files, and nothing that they hold.
func LoadKeyPair(certFile, keyFile string, log *slog.Logger) (*KeyPair, error) {
	p := &KeyPair{certFile: certFile, keyFile: keyFile, log: log}
	pair, seen, err := p.read()
	if err != nil {
		return nil, err
	}
	p.seen = seen
	p.use(pair)
	return p, nil
}

// read reads the files. seen is what they held, or the error.
func (p *KeyPair) read() (pair *tls.Certificate, seen [sha256.Size]byte, err error) {
	cert, err := readRegular(p.certFile)
	if err != nil {
		return nil, sha256.Sum256([]byte(err.Error())), err
	}
	key, err := readRegular(p.keyFile)
	if err != nil {
		return nil, sha256.Sum256([]byte(err.Error())), err
	}
	seen = sha256.Sum256(fmt.Appendf(nil, "%d %s%s", len(cert), cert, key))
	loaded, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, seen, fmt.Errorf("%s and %s: %w", p.certFile, p.keyFile, err)
	}
	return &loaded, seen, nil
}

// readRegular reads a file that can be read again. A pipe would be waited for, and
// all reloads with it.
func readRegular(name string) ([]byte, error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	return os.ReadFile(name)
}

// use shows a certificate from now on.
func (p *KeyPair) use(pair *tls.Certificate) {
	p.current.Store(pair)
	if pair.Leaf.NotAfter.Before(time.Now()) {
		p.log.Warn("the certificate has ended", "names", names(pair), "until", pair.Leaf.NotAfter.UTC())
	}
}

// Reload shows what the files hold now. Where that is no certificate with its key,
// the log says so, and the one before stays.
func (p *KeyPair) Reload() { p.look(true) }

// Watch looks at the files whenever a tick comes, and reloads them once they have
// changed, until ctx ends.
func (p *KeyPair) Watch(ctx context.Context, ticks <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
			p.look(false)
		}
	}
}

// look reads the files, and uses what is new in them. What is wrong with them is
// logged once unless it was asked for.
func (p *KeyPair) look(asked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pair, seen, err := p.read()
	isNew := seen != p.seen
	p.seen = seen
	switch {
	case err != nil && (isNew || asked):
		p.log.Warn("the certificate is not reloaded; the old one stays", "error", err)
	case err == nil && isNew:
		p.use(pair)
		p.log.Info("certificate reloaded", "names", names(pair), "until", pair.Leaf.NotAfter.UTC())
	}
}

// String returns whose certificate is shown, and until when it holds.
func (p *KeyPair) String() string {
	pair := p.current.Load()
	return strings.Join(names(pair), ",") + " until " + pair.Leaf.NotAfter.UTC().Format(time.RFC3339)
}

// names returns the hosts that a certificate is for.
func names(pair *tls.Certificate) []string {
	all := append([]string{}, pair.Leaf.DNSNames...)
	for _, ip := range pair.Leaf.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		all = append(all, pair.Leaf.Subject.CommonName)
	}
	return all
}

// config returns how a server speaks TLS.
func (p *KeyPair) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.current.Load(), nil },
	}
}
