package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Admin is what the operator's own programs may ask a running service, on an
// address that callers cannot reach.
type Admin struct {
	// Holds returns what is held back, that which ends soonest first.
	Holds func(ctx context.Context) ([]Hold, error)
	// Lift ends a hold. ok is false where there is none with the id.
	Lift func(ctx context.Context, id string) (lifted Hold, ok bool, err error)
	// FindList returns the id by which a list is known now, and an error for people
	// where there is none. Nil: every id is taken as it is.
	FindList func(id string) (string, error)
	// Circuits returns the circuits that are not closed.
	Circuits func() []Circuit
	// Backup writes a copy of the store.
	Backup func(ctx context.Context, w io.Writer) error
}

// Hold is something that is held back from a list.
type Hold struct {
	ID    string    `json:"id"`
	List  string    `json:"list"`
	Kind  string    `json:"kind"`
	Until time.Time `json:"until"`
}

// Circuit is a breaker that is not closed, as the operator is told of it. The
// time of its next try is not public: a caller who knew it could make each try
// fail.
type Circuit struct {
	Breaker
	Since   time.Time `json:"since"`
	NextTry time.Time `json:"next_try"`
}

// AdminHolds is the answer to GET /holds.
type AdminHolds struct {
	Holds    []Hold    `json:"holds"`
	Circuits []Circuit `json:"circuits"`
}

// Handler returns the handler of the admin address. Browsers cannot use it: it
// wants a JSON Content-Type and a Host of this machine, and no Origin.
func (a Admin) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /holds", a.holds)
	mux.HandleFunc("POST /holds/lift", a.lift)
	mux.HandleFunc("POST /backup", a.backup)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := notForAdmin(r); why != "" {
			adminError(w, http.StatusForbidden, why)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
		mux.ServeHTTP(w, r)
	})
}

// notForAdmin returns why a request is refused, "" for one that is not.
func notForAdmin(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil || kind != "application/json":
		return "Content-Type must be application/json"
	case len(r.Header["Origin"]) > 0:
		return "Requests of pages are refused"
	case !IsLoopbackHost(r.Host):
		return "Host must be localhost or a loopback address"
	}
	return ""
}

// IsLoopbackHost reports whether a host, with or without a port, is this machine.
func IsLoopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func (a Admin) holds(w http.ResponseWriter, r *http.Request) {
	all, err := a.Holds(r.Context())
	if err != nil {
		adminError(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	answer := AdminHolds{Holds: []Hold{}, Circuits: []Circuit{}}
	list := r.URL.Query().Get("list")
	if list != "" && a.FindList != nil {
		if list, err = a.FindList(list); err != nil {
			adminError(w, http.StatusBadRequest, err.Error())
			return
		}
	}
	for _, h := range all {
		if list == "" || h.List == list {
			answer.Holds = append(answer.Holds, h)
		}
	}
	for _, c := range a.Circuits() {
		if list == "" || c.List == list {
			answer.Circuits = append(answer.Circuits, c)
		}
	}
	adminJSON(w, http.StatusOK, answer)
}

func (a Admin) lift(w http.ResponseWriter, r *http.Request) {
	var request struct {
		ID string `json:"id"`
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil || request.ID == "" {
		adminError(w, http.StatusBadRequest, `Body must be {"id": "…"}`)
		return
	}
	switch lifted, ok, err := a.Lift(r.Context(), request.ID); {
	case err != nil:
		adminError(w, http.StatusServiceUnavailable, err.Error())
	case !ok:
		adminError(w, http.StatusNotFound, "There is no hold "+request.ID)
	default:
		adminJSON(w, http.StatusOK, lifted)
	}
}

func (a Admin) backup(w http.ResponseWriter, r *http.Request) {
	body := &begun{ResponseWriter: w}
	if err := a.Backup(r.Context(), body); err != nil {
		if !body.begun {
			adminError(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		panic(http.ErrAbortHandler) // so that half a copy is not taken for a whole one
	}
}

// begun is a body that knows whether any of it has been written.
type begun struct {
	http.ResponseWriter
	begun bool
}

// Write implements http.ResponseWriter.
func (b *begun) Write(p []byte) (int, error) {
	if !b.begun {
		b.begun = true
		b.Header().Set("Content-Type", "application/vnd.sqlite3")
	}
	return b.ResponseWriter.Write(p)
}

// AdminError is the body of an answer that is an error.
type AdminError struct {
	Message string `json:"message"`
}

func adminError(w http.ResponseWriter, status int, message string) {
	adminJSON(w, status, AdminError{message})
}

func adminJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // nobody is left to hear of an error
}

// ErrNotLoopback is returned for an admin address that other machines can reach.
var ErrNotLoopback = errors.New("want unix:PATH, or a loopback address such as 127.0.0.1:9091")

// CheckAdminAddress returns ErrNotLoopback for a TCP address that is not of
// this machine alone.
func CheckAdminAddress(address string) error {
	host, _, err := net.SplitHostPort(address)
	if addr, bad := netip.ParseAddr(host); err != nil || bad != nil || !addr.IsLoopback() {
		return ErrNotLoopback
	}
	return nil
}
