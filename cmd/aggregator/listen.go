package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"

	"aggregator/internal/errno"
)

// unixPrefix begins an address that is a socket's path.
const unixPrefix = "unix:"

// Who may connect to sockets.
const (
	listenMode fs.FileMode = 0o660 // the user and the group: a proxy
	adminMode  fs.FileMode = 0o600
)

// splitAddress returns the network and the address that a flag names: unix:PATH,
// or HOST:PORT. The error is a usageError.
func splitAddress(flagName, text string) (network, address string, err error) {
	path, isUnix := strings.CutPrefix(text, unixPrefix)
	switch {
	case !isUnix:
		return "tcp", text, nil
	case path == "":
		return "", "", usagef("--%s: the socket has no path", flagName)
	}
	return "unix", path, nil
}

// listenAt listens at the address that a flag names. A socket gets a mode, takes the
// place of one that nobody listens on any longer, and is removed when the listener
// is closed.
func listenAt(flagName, text string, mode fs.FileMode) (net.Listener, error) {
	network, address, err := splitAddress(flagName, text)
	if err != nil {
		return nil, err
	}
	if network == "unix" {
		if err := makeWay(address); err != nil {
			return nil, fmt.Errorf("--%s: %w", flagName, err)
		}
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flagName, err)
	}
	if network == "unix" {
		if err := restrict(address, mode); err != nil {
			return nil, errors.Join(fmt.Errorf("--%s: %w", flagName, err), l.Close())
		}
	}
	return l, nil
}

// makeWay removes a socket that nobody listens on any longer. The error says what
// else is at its path.
func makeWay(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return nil // nothing is there, or listening says why it cannot be looked at
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is there, and is not a socket", path)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
		return fmt.Errorf("another program serves on %s", path)
	}
	if !errno.IsRefused(err) {
		return fmt.Errorf("%s may be in use: %w", path, err)
	}
	return os.Remove(path)
}

// addressOf returns where a listener listens, as the flag would name it.
func addressOf(l net.Listener) string {
	if l.Addr().Network() == "unix" {
		return unixPrefix + l.Addr().String()
	}
	return l.Addr().String()
}
