package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"aggregator/httpapi"
)

// keyPairEvery is how often the files of the certificate and its key are looked at.
const keyPairEvery = time.Minute

// loadKeyPair returns the certificate to serve with; nil where there is to be no
// TLS.
func (f *serviceFlags) loadKeyPair(log *slog.Logger) (*httpapi.KeyPair, error) {
	if f.tlsCert == "" {
		return nil, nil
	}
	pair, err := httpapi.LoadKeyPair(f.tlsCert, f.tlsKey, log)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	return pair, nil
}

// describeTLS returns what the log says of a certificate, which may be nil.
func describeTLS(pair *httpapi.KeyPair) string {
	if pair == nil {
		return "off"
	}
	return pair.String()
}

// serve serves until the front is stopped. While ctx lasts it looks whether its
// certificate has changed.
func (s *service) serve(ctx context.Context) error {
	if s.keyPair == nil {
		return s.front.Serve(s.listener)
	}
	ticker := time.NewTicker(keyPairEvery)
	defer ticker.Stop()
	go s.keyPair.Watch(ctx, ticker.C)
	return s.front.ServeTLS(s.listener, s.keyPair)
}
