package httpapi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"aggregator/shares"
	"aggregator/votes"
)

const (
	// maxStreams is how many streams may be open for one bot.
	maxStreams = 8
	// maxBehind is how many bytes a reader may be behind.
	maxBehind = 1 << 20
	// maxAhead is how many bytes of what is old wait for a reader.
	maxAhead = 128 << 10
	// commentEvery is how often a stream says something, so that nobody on the way
	// takes it for dead.
	commentEvery = 15 * time.Second
)

var (
	errTooManyStreams = errors.New("too many streams for a bot")
	errBehind         = errors.New("the reader of a stream is too far behind")
)

// streams are those that are open.
type streams struct {
	mu      sync.Mutex
	open    map[string]int // by bot
	stopped chan struct{}  // closed when they are to end
	stop    func()         // ends them, and those that begin later
}

func newStreams() *streams {
	stopped := make(chan struct{})
	return &streams{open: map[string]int{}, stopped: stopped, stop: sync.OnceFunc(func() { close(stopped) })}
}

// begin counts a stream for a bot, until end is called. The error is
// errTooManyStreams.
func (s *streams) begin(bot string) (end func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[bot] >= maxStreams {
		return nil, errTooManyStreams
	}
	s.open[bot]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.open[bot]--; s.open[bot] == 0 {
			delete(s.open, bot)
		}
	}, nil
}

// stream answers GET /api/bots/:id/votes/stream: server-sent events, until the
// reader leaves or the service ends.
func (s *Server) stream(c echo.Context) error {
	b, err := s.pathKey(c)
	if err != nil {
		return err
	}
	end, err := s.streams.begin(b.ID)
	if err != nil {
		return err
	}
	defer end()
	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	x := exchangeOf(c)
	ctx, cancel := context.WithCancelCause(c.Request().Context())
	defer cancel(nil)
	memory, err := s.Memory.Acquire(ctx, x.network, 0)
	if err != nil {
		return nil // the answer has begun, and the reader is gone
	}
	defer memory.Release()
	q := newEventQueue(memory)
	var following sync.WaitGroup
	defer following.Wait()
	following.Go(func() {
		cancel(s.Votes.Relay.Follow(ctx, b.ID, c.Request().Header.Get("Last-Event-ID"), func(d votes.Delivery, isNew bool) error {
			return q.put(ctx, event(d), isNew)
		}))
	})
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(context.Cause(ctx), errBehind) {
			x.conn.hangUp() // what is being written waits for the reader
		}
	})
	defer stop()
	err = s.writeEvents(ctx, c, q)
	cancel(err)
	if errors.Is(context.Cause(ctx), errBehind) {
		s.Log.Info("a stream was closed: its reader was too far behind", "id", x.id, "bot", b.ID)
	}
	if errors.Is(err, errWrongKey) {
		s.Log.Info("a stream was closed: its key is no longer the bot's", "id", x.id, "bot", b.ID)
	}
	return nil
}

// writeEvents writes what is in a queue, as it comes, and a comment now and then.
func (s *Server) writeEvents(ctx context.Context, c echo.Context, q *eventQueue) error {
	x, w := exchangeOf(c), c.Response()
	x.conn.enter(phaseStream)
	write := func(text []byte) error {
		if a, ok := w.Writer.(*answerWriter); ok {
			a.renew()
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		w.Flush()
		return nil
	}
	if err := write([]byte("retry: 3000\n\n")); err != nil {
		return err
	}
	comments := time.NewTicker(commentEvery)
	defer comments.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.streams.stopped:
			return nil
		case <-comments.C:
			if err = s.stillKeyed(c); err == nil {
				err = write([]byte(": still here\n\n"))
			}
		case <-q.come:
			for text := q.first(); text != nil && err == nil && ctx.Err() == nil; text = q.first() {
				if err = s.stillKeyed(c); err == nil {
					err = write(text)
				}
				q.taken()
			}
		}
		if err != nil {
			return err
		}
	}
}

// stillKeyed returns errWrongKey once the key that a stream's reader showed is no
// longer the bot's: the file was read anew meanwhile.
func (s *Server) stillKeyed(c echo.Context) error {
	key, _ := shownKey(c)
	if b := s.Agent.Bot(exchangeOf(c).bot); !b.HasKey() || !b.KeyMatches(key) {
		return errWrongKey
	}
	return nil
}

// event returns a message as a server-sent event.
func event(d votes.Delivery) []byte {
	var b bytes.Buffer
	b.WriteString("id: " + d.ID + "\nevent: " + d.Type + "\ndata: ")
	// JSON that a list sent may hold line breaks between its values, and a reader
	// takes a carriage return alone for one too.
	lines := bytes.FieldsFunc(d.Body, func(r rune) bool { return r == '\n' || r == '\r' })
	b.Write(bytes.Join(lines, []byte("\ndata: ")))
	b.WriteString("\n\n")
	return b.Bytes()
}

// eventQueue holds the events that a reader has not taken, in so many bytes.
type eventQueue struct {
	memory *shares.Grant
	come   chan struct{} // of one: something is in the queue
	room   chan struct{} // of one: something was taken

	mu   sync.Mutex
	all  [][]byte
	held int
}

func newEventQueue(memory *shares.Grant) *eventQueue {
	return &eventQueue{memory: memory, come: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// put adds an event. For one that is old it waits until the reader has taken
// others; where the reader is too far behind for one that is new, or where there
// is no memory left, the error is errBehind.
func (q *eventQueue) put(ctx context.Context, text []byte, isNew bool) error {
	for !isNew && !q.fits(len(text), maxAhead) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-q.room:
		}
	}
	if !q.fits(len(text), maxBehind) || !q.memory.Grow(int64(len(text))) {
		return errBehind
	}
	q.mu.Lock()
	q.all = append(q.all, text)
	q.held += len(text)
	q.mu.Unlock()
	ring(q.come)
	return nil
}

// fits reports whether so many bytes more are within a bound. Anything fits into
// an empty queue.
func (q *eventQueue) fits(n, bound int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held == 0 || q.held+n <= bound
}

// first returns the first event; nil if there is none. It is held until it is
// taken.
func (q *eventQueue) first() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.all) == 0 {
		return nil
	}
	return q.all[0]
}

// taken removes the first event, which the reader has.
func (q *eventQueue) taken() {
	q.mu.Lock()
	n := len(q.all[0])
	q.all[0] = nil
	q.all = q.all[1:]
	q.held -= n
	q.mu.Unlock()
	q.memory.Return(int64(n))
	ring(q.room)
}

// ring rings a bell of one, unless it has been rung.
func ring(bell chan<- struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}
