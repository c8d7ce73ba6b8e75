package httpapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// deadlined is a connection's two ends as a handler sees them, with the
// deadlines that were set.
type deadlined struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (d *deadlined) SetReadDeadline(t time.Time) error  { d.read = append(d.read, t); return nil }
func (d *deadlined) SetWriteDeadline(t time.Time) error { d.write = append(d.write, t); return nil }

func TestBodyMustMakeProgress(t *testing.T) {
	t.Parallel()
	const size = 40 << 10
	w := &deadlined{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader(strings.Repeat("x", size/2)), strings.NewReader(strings.Repeat("y", size/2))))
	before := time.Now()
	body, err := readBody(w, r, bodyLimit{bytes: MaxBody}, func(int) error { return nil })
	if err != nil || len(body) != size {
		t.Fatalf("%d bytes, %v", len(body), err)
	}
	last := len(w.read) - 1
	if first := w.read[0].Sub(before); first < progressGrace || first > progressGrace+time.Minute {
		t.Errorf("the first byte may take %s, want %s", first, progressGrace)
	}
	for i := 1; i < last; i++ {
		if w.read[i].Before(w.read[i-1]) {
			t.Errorf("deadline %d is before the one before it", i)
		}
	}
	if got, want := w.read[last-1].Sub(w.read[0]), size*time.Second/minProgress; got < want*9/10 || got > want {
		t.Errorf("%d bytes may take %s more, want about %s", size, got, want)
	}
	if !w.read[last].IsZero() {
		t.Errorf("afterwards there is a deadline: %s", w.read[last])
	}
}

func TestReadBody(t *testing.T) {
	t.Parallel()
	no := errors.New("no memory")
	broken := io.MultiReader(strings.NewReader("{"), iotestError{})
	for name, row := range map[string]struct {
		body   io.Reader
		length int64
		pay    error
		size   int
		err    error
	}{
		"none":                   {strings.NewReader(""), 0, nil, 0, nil},
		"small":                  {strings.NewReader("{}"), 2, nil, 2, nil},
		"of unknown length":      {strings.NewReader(strings.Repeat("x", 100<<10)), -1, nil, 100 << 10, nil},
		"as large as may be":     {strings.NewReader(strings.Repeat("x", MaxBody)), MaxBody, nil, MaxBody, nil},
		"too large":              {strings.NewReader(strings.Repeat("x", MaxBody+1)), -1, nil, 0, tooLargeError(MaxBody)},
		"too large, and says so": {iotestError{}, MaxBody + 1, nil, 0, tooLargeError(MaxBody)},
		"breaks off":             {broken, 100, nil, 0, errNoObject},
		"without room for it":    {strings.NewReader("{}"), 2, no, 0, no},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", row.body)
		r.ContentLength = row.length
		paid := 0
		body, err := readBody(&deadlined{ResponseRecorder: httptest.NewRecorder()}, r, bodyLimit{bytes: MaxBody}, func(n int) error { paid += n; return row.pay })
		if !errors.Is(err, row.err) || len(body) != row.size || row.err == nil && paid < row.size {
			t.Errorf("%s: %d bytes, paid %d, %v; want %d, %v", name, len(body), paid, err, row.size, row.err)
		}
	}
}

type iotestError struct{}

func (iotestError) Read([]byte) (int, error) { return 0, errors.New("reset") }

func TestAnswerMustBeTaken(t *testing.T) {
	t.Parallel()
	const size = 100 << 10
	rec := &deadlined{ResponseRecorder: httptest.NewRecorder()}
	begun := 0
	w := newAnswerWriter(rec, func() { begun++ })
	before := time.Now()
	w.WriteHeader(http.StatusTeapot)
	n, err := w.Write(bytes.Repeat([]byte("x"), size))
	if n != size || err != nil || rec.Body.Len() != size || rec.Code != http.StatusTeapot || begun != 1 {
		t.Errorf("%d bytes, %v, status %d, begun %d times", n, err, rec.Code, begun)
	}
	if first := rec.write[0].Sub(before); first < progressGrace || first > progressGrace+time.Minute {
		t.Errorf("the header may take %s, want %s", first, progressGrace)
	}
	last := rec.write[len(rec.write)-1]
	if got, want := last.Sub(rec.write[0]), size*time.Second/minProgress; got != want {
		t.Errorf("%d bytes may take %s more, want %s", size, got, want)
	}
	if len(rec.write) < size/answerChunk {
		t.Errorf("%d deadlines: an answer that stalls is found at its end alone", len(rec.write))
	}
}
