package httpapi

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// slowBody is a body that has not come yet.
type slowBody struct{ comes chan struct{} }

func (b slowBody) Read([]byte) (int, error) { <-b.comes; return 0, http.ErrBodyReadAfterClose }

// TestSlowBodiesTakeNoPlace has more requests than may be answered wait for
// their bodies: another is answered all the same, until too many wait.
func TestSlowBodiesTakeNoPlace(t *testing.T) {
	t.Parallel()
	const most = 2
	s, _ := newTestServer(t, 1, most)
	comes, done := make(chan struct{}), make(chan int)
	slow := func(n int) {
		before := s.arriving.Load()
		for range n {
			go func() {
				w := httptest.NewRecorder()
				s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/count", slowBody{comes}))
				done <- w.Code
			}()
		}
		for s.arriving.Load() < before+int64(n) {
			runtime.Gosched()
		}
	}
	ask := func(path string) int {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, strings.NewReader("")))
		return w.Code
	}
	const all = most * arrivingPerBusy
	slow(all - 1)
	if got := ask("/api/legacy-ids"); got != http.StatusOK {
		t.Errorf("beside slow ones: %d", got)
	}
	slow(1)
	if got := ask("/api/legacy-ids"); got != http.StatusServiceUnavailable {
		t.Errorf("one more than may arrive: %d", got)
	}
	if got := ask("/api/health"); got != http.StatusOK {
		t.Errorf("health: %d", got)
	}
	close(comes)
	for range all {
		if got := <-done; got != http.StatusBadRequest {
			t.Errorf("a slow one that breaks off: %d", got)
		}
	}
}
