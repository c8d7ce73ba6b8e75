package testkit

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"testing"
)

// Log keeps what is logged. It is a writer, and safe for concurrent use. The
// zero Log is empty and ready.
type Log struct {
	mu      sync.Mutex
	text    []byte
	read    int // bytes of text that watchers have been told of
	watched []watch
}

// watch waits for a message.
type watch struct {
	msg   string
	found chan map[string]any // of one
}

// Logger returns a logger that writes JSON into l, from level debug.
func (l *Log) Logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Write appends to the log. It never fails.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	whole := bytes.LastIndexByte(l.text, '\n') + 1
	for line := range bytes.Lines(l.text[l.read:max(whole, l.read)]) {
		l.tell(line)
	}
	l.read = max(whole, l.read)
	return len(p), nil
}

// tell tells those who wait for the line's message. Each is told once.
func (l *Log) tell(line []byte) {
	if len(l.watched) == 0 {
		return
	}
	var e map[string]any
	if json.Unmarshal(line, &e) != nil {
		return
	}
	l.watched = slices.DeleteFunc(l.watched, func(w watch) bool {
		if e["msg"] != w.msg {
			return false
		}
		w.found <- e
		return true
	})
}

// Next returns a channel that gets the first JSON line with a message that is
// logged from now on.
func (l *Log) Next(msg string) <-chan map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make(chan map[string]any, 1)
	l.watched = append(l.watched, watch{msg, found})
	return found
}

// String returns all that was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// Entries returns the JSON lines with a message, oldest first.
func (l *Log) Entries(t testing.TB, msg string) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []map[string]any
	for line := range bytes.Lines(l.text) {
		var e map[string]any
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("no JSON line: %v: %s", err, line)
		}
		if e["msg"] == msg {
			all = append(all, e)
		}
	}
	return all
}

// Lines returns what was logged: the level and message of each JSON line.
func (l *Log) Lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for line := range bytes.Lines(l.text) {
		var e struct{ Level, Msg string }
		if json.Unmarshal(line, &e) != nil {
			e.Msg = string(line)
		}
		all = append(all, e.Level+" "+e.Msg)
	}
	return all
}

// Want fails the test unless exactly these lines were logged, each a level and
// a message.
func (l *Log) Want(t testing.TB, want ...string) {
	t.Helper()
	if got := l.Lines(); !slices.Equal(got, want) {
		t.Errorf("logged %q, want %q", got, want)
	}
}
