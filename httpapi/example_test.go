package httpapi_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"aggregator"
	"aggregator/httpapi"
	"aggregator/ratelimit"
)

// A program serves the API beside its own routes. Each caller may post once in two
// minutes for a bot.
func ExampleNewHandler() {
	lists, err := aggregator.New(aggregator.Options{
		Limits: aggregator.Limits{Count: ratelimit.Rate{Limit: 1, Period: 2 * time.Minute}},
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/botlists/", httpapi.NewHandler(lists, httpapi.HandlerOptions{BasePath: "/botlists"}))
	server := httptest.NewServer(mux)
	defer server.Close()
	defer func() { _ = lists.Close() }() // first: what comes while the server shuts down hears 503

	body := strings.NewReader(`{"bot_id": "123456789012345678", "server_count": 1234, "nowhere.example": "token"}`)
	resp, err := http.Post(server.URL+"/botlists/api/count", "application/json", body)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, string(answer))
	// Output: 200 {"success":{},"failure":{},"skipped":{"nowhere.example":"Unknown list"}}
}
