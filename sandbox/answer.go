package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// answer is what a list says to a request.
type answer struct {
	status int
	header http.Header
	body   any // as JSON; nil: none
}

func (a answer) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	b, err := json.Marshal(a.body)
	if err != nil { // strings, numbers and booleans never fail
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_, _ = w.Write(b) // who hung up needs no answer
}

// refusal is an error that a list answers with.
type refusal struct {
	status  int
	message string
}

func (r refusal) Error() string { return r.message }

func refuse(status int, format string, args ...any) error {
	return refusal{status, fmt.Sprintf(format, args...)}
}

// answerTo is the answer to a request that was refused.
func answerTo(err error) answer {
	r, ok := errors.AsType[refusal](err)
	if !ok {
		r = refusal{http.StatusInternalServerError, err.Error()}
	}
	return answer{r.status, http.Header{}, map[string]any{"message": r.message}}
}

// refused is answerTo with the flag of the endpoint's answers, if they have one.
func (e *endpoint) refused(err error) answer {
	a := answerTo(err)
	if e.success != nil {
		a.put(e.success.Field, otherThan(e.success.Is))
	}
	return a
}

// otherThan returns what a flag says that means no success.
func otherThan(is any) any {
	if flag, ok := is.(bool); ok {
		return !flag
	}
	return nil
}

// accepted is the answer to a count that the list took.
func (e *endpoint) accepted() answer {
	a := answer{status: http.StatusOK, header: http.Header{}}
	switch {
	case e.empty:
		a.status = http.StatusNoContent
	case e.success != nil:
		a.body = map[string]any{}
		a.put(e.success.Field, e.success.Is)
	default:
		a.body = map[string]any{"success": true}
	}
	return a
}

// put adds a value to the body, at a path whose dots nest.
func (a answer) put(path string, v any) {
	object, _ := a.body.(map[string]any)
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		inner, ok := object[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			object[name] = inner
		}
		object = inner
	}
	object[names[len(names)-1]] = v
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
