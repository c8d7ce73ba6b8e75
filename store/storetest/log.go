package storetest

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
)

// Log keeps what is logged. It is safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	lines []string
}

// NewLog returns an empty Log.
func NewLog() *Log { return new(Log) }

// Logger returns a logger that writes to the Log.
func (l *Log) Logger() *slog.Logger { return slog.New(logHandler{l}) }

// Lines returns what was logged: level and message.
func (l *Log) Lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// Want fails the test unless exactly these lines were logged.
func (l *Log) Want(t testing.TB, want ...string) {
	t.Helper()
	if got := l.Lines(); !slices.Equal(got, want) {
		t.Errorf("logged %q, want %q", got, want)
	}
}

// logHandler is a [slog.Handler] to a Log.
type logHandler struct{ log *Log }

func (h logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h logHandler) Handle(_ context.Context, r slog.Record) error {
	h.log.mu.Lock()
	defer h.log.mu.Unlock()
	h.log.lines = append(h.log.lines, r.Level.String()+" "+r.Message)
	return nil
}

func (h logHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h logHandler) WithGroup(string) slog.Handler      { return h }
