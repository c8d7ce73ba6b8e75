package redis

import (
	"context"
	"crypto/sha1" //nolint:gosec // that is the name Redis gives a script
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	driver "github.com/gomodule/redigo/redis"
)

// config is how Redis is reached.
type config struct {
	address            string // host:port
	username, password string
	db                 int
	tls                *tls.Config // nil: no TLS

	dialTimeout time.Duration
	callTimeout time.Duration // of a read or a write; contexts end sooner
}

// maxIdle is how long a connection may rest, before a firewall forgets it.
const maxIdle = time.Minute

// client calls Redis. It is safe for concurrent use.
type client struct {
	config
	pool *driver.Pool
}

func newClient(c config) *client {
	cl := &client{config: c}
	cl.pool = &driver.Pool{DialContext: cl.dial, MaxIdle: connections, MaxActive: connections, Wait: true, IdleTimeout: maxIdle}
	return cl
}

// dial makes a connection.
func (c *client) dial(ctx context.Context) (driver.Conn, error) {
	opts := []driver.DialOption{
		driver.DialUsername(c.username), driver.DialPassword(c.password), driver.DialDatabase(c.db),
		driver.DialConnectTimeout(c.dialTimeout), driver.DialTLSHandshakeTimeout(c.dialTimeout),
		driver.DialReadTimeout(c.callTimeout), driver.DialWriteTimeout(c.callTimeout),
	}
	if c.tls != nil {
		opts = append(opts, driver.DialUseTLS(true), driver.DialTLSConfig(c.tls))
	}
	return driver.DialContext(ctx, "tcp", c.address, opts...)
}

// do calls a command. A reply holds int64, string, nil and []any of these. The
// context's deadline is that of the call.
func (c *client) do(ctx context.Context, command string, args ...any) (any, error) {
	conn, err := c.pool.GetContext(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }() // which gives it back
	timeout := c.callTimeout
	if deadline, ok := ctx.Deadline(); ok {
		if timeout = time.Until(deadline); timeout <= 0 {
			return nil, context.DeadlineExceeded
		}
	}
	reply, err := driver.DoWithTimeout(conn, timeout, command, args...)
	return texts(reply), err
}

// close ends the connections that rest, and the others once their calls end.
func (c *client) close() error { return c.pool.Close() }

// texts returns a reply with strings for bytes.
func texts(reply any) any {
	switch r := reply.(type) {
	case []byte:
		return string(r)
	case []any:
		for i := range r {
			r[i] = texts(r[i])
		}
	}
	return reply
}

// script is a Lua script that Redis runs as one step. Nothing of it is made before
// it runs: most services have another store.
type script struct {
	parts []string // that the source consists of
	hash  func() string
}

func newScript(parts ...string) *script {
	s := &script{parts: parts}
	s.hash = sync.OnceValue(func() string {
		sum := sha1.Sum([]byte(s.source())) //nolint:gosec // as above
		return hex.EncodeToString(sum[:])
	})
	return s
}

func (s *script) source() string { return strings.Join(s.parts, "") }

// run runs the script, by its hash where Redis knows it.
func (s *script) run(ctx context.Context, c *client, keys []string, args ...any) (any, error) {
	all := make([]any, 0, 2+len(keys)+len(args))
	all = append(all, s.hash(), len(keys))
	for _, key := range keys {
		all = append(all, key)
	}
	all = append(all, args...)
	reply, err := c.do(ctx, "EVALSHA", all...)
	if says(err, "NOSCRIPT") {
		all[0] = s.source()
		reply, err = c.do(ctx, "EVAL", all...)
	}
	return reply, err
}

// slice returns a reply that is an array.
func slice(reply any, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	all, ok := reply.([]any)
	if !ok {
		return nil, errReply
	}
	return all, nil
}

// listen hears what is published to a channel, until ctx ends, the connection
// breaks, or hear returns false. hear is told "" once it listens, and whenever
// nothing was published for about as long as silence.
func (c *client) listen(ctx context.Context, channel string, silence time.Duration, hear func(message string) (more bool)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := c.dial(ctx)
	if err != nil {
		return
	}
	sub := driver.PubSubConn{Conn: conn}
	done := make(chan struct{})
	context.AfterFunc(ctx, func() { _ = conn.Close(); close(done) }) // which ends a read
	defer func() { cancel(); <-done }()
	if sub.Subscribe(channel) != nil {
		return
	}
	var pings sync.WaitGroup
	defer func() { cancel(); pings.Wait() }()
	pings.Go(func() { // so that a connection which is silent can be told from one that is dead
		for pause(ctx, silence) {
			if sub.Ping("") != nil {
				return
			}
		}
	})
	for quiet, more := false, true; more; {
		switch m := sub.ReceiveWithTimeout(silence + c.callTimeout).(type) {
		case driver.Subscription:
			more = hear("")
		case driver.Message:
			quiet, more = false, hear(string(m.Data))
		case driver.Pong:
			more = !quiet || hear("")
			quiet = true
		default: // an error
			return
		}
	}
}

// outOfMemory reports whether Redis has no room. Older ones wrap what they say.
func outOfMemory(err error) bool {
	return says(err, "OOM command not allowed") || answered(err) && strings.HasPrefix(err.Error(), "OOM ")
}

// answered reports whether an error is what Redis answered.
func answered(err error) bool {
	_, ok := errors.AsType[driver.Error](err)
	return ok
}

// says reports whether Redis answered with an error that has these words.
func says(err error, words string) bool { return answered(err) && strings.Contains(err.Error(), words) }

func timedOut(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
