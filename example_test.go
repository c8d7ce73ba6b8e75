package aggregator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"aggregator"
	"aggregator/catalog"
	"aggregator/sandbox"
	"aggregator/store/sqlite"
)

// exampleLists are two lists of the examples: one that takes what it is sent, and
// one that takes a post in ten minutes and can be asked for votes.
const exampleLists = `
lists:
  list.example:
    name: A list
    url: "https://list.example/"
    api_post: "https://list.example/api/bots/:id"
    api_field: server_count
    api_get: "https://list.example/api/bots/:id"
  paced.example:
    name: A list with an interval
    url: "https://paced.example/"
    post:
      url: "https://paced.example/stats/:id"
      auth: {prefix: "Bot "}
      fields: {server_count: guilds, shard_count: shards}
      limits: [{per: token, requests: 1, seconds: 600}]
    votes:
      url: "https://paced.example/votes/:id?user=:user"
      auth: {}
      voted: voted
    commands: {url: "https://paced.example/commands/:id", fields: {commands: commands}, auth: {prefix: "Bot "}}
`

// overSandbox returns an Aggregator whose lists are played on loopback. A program
// calls aggregator.New alone.
func overSandbox(o aggregator.Options) (a *aggregator.Aggregator, end func()) {
	if o.Catalog == nil && o.Lists == nil {
		c, _, err := catalog.Load([]catalog.File{{Name: "lists.yaml", Data: []byte(exampleLists)}}, catalog.File{})
		if err != nil {
			log.Fatal(err)
		}
		o.Catalog = catalog.LiveOf(c)
	}
	var box http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { box.ServeHTTP(w, r) }))
	o.Transport = sandbox.Transport(http.DefaultTransport, strings.TrimPrefix(server.URL, "http://"))
	a, err := aggregator.New(o)
	if err != nil {
		log.Fatal(err)
	}
	box = sandbox.New(a.Lists())
	return a, func() {
		if err := a.Close(); err != nil {
			log.Fatal(err)
		}
		server.CloseClientConnections()
		server.Close()
	}
}

// A bot posts its server count. What a list answers is a value, also where it
// refuses the token.
func Example() {
	lists, end := overSandbox(aggregator.Options{}) // aggregator.New(aggregator.Options{})
	defer end()

	answer, err := lists.Count(context.Background(), aggregator.CountRequest{
		BotID:       "123456789012345678",
		ServerCount: 1234,
		Tokens: aggregator.Tokens{
			"list.example":  "your-token-there",
			"paced.example": "bad-token",
			"liszt.example": "your-token-there",
		},
	})
	if err != nil {
		log.Fatal(err) // nothing was posted
	}
	for _, r := range answer.Results {
		fmt.Println(r.List, r.OK, r.Status, r.Text)
	}
	for _, s := range answer.Skipped {
		fmt.Println(s.ID, "skipped:", s.Why)
	}
	// Output:
	// list.example true 200 {"success":true}
	// paced.example false 401 {"message":"Token is not known"}
	// liszt.example skipped: Unknown list, did you mean "list.example"?
}

// A shard posts for itself, and hears of each list as it answers.
func ExampleAggregator_Count_progress() {
	lists, end := overSandbox(aggregator.Options{})
	defer end()

	_, err := lists.Count(context.Background(), aggregator.CountRequest{
		BotID: "123456789012345678", ServerCount: 310, ShardID: new(int64(2)), ShardCount: new(int64(4)),
		Tokens: aggregator.Tokens{"paced.example": "your-token-there"},
		Progress: &aggregator.CountProgress{
			Begin: func(asked []string, _ []aggregator.Skipped) { fmt.Println("asking", asked) },
			Hear:  func(r aggregator.Result) { fmt.Println(r.List, "was sent", r.Sent(), "and said", r.Status) },
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// asking [paced.example]
	// paced.example was sent {"guilds":310,"shards":4} and said 200
}

// A bot's commands, as Discord returns them, go to every list that takes them.
func ExampleAggregator_Report() {
	lists, end := overSandbox(aggregator.Options{})
	defer end()

	commands := `[{"name":"ban","description":"Bans a user"}]` // GET /applications/ID/commands of Discord
	answer, err := lists.Report(context.Background(), aggregator.ReportRequest{
		Kind:   "commands",
		BotID:  "123456789012345678",
		Values: map[string]any{"commands": json.RawMessage(commands)},
		Tokens: aggregator.Tokens{"list.example": "your-token-there", "paced.example": "your-token-there"},
	})
	if err != nil {
		log.Fatal(err) // nothing was sent
	}
	for _, r := range answer.Results {
		fmt.Println(r.List, r.OK, r.Status, r.Text)
	}
	for _, s := range answer.Skipped {
		fmt.Println(s.ID, "skipped:", s.Why)
	}
	// Output:
	// paced.example true 200 {"success":true}
	// list.example skipped: No commands API
}

// A dry run shows what would be sent, with masks in the place of tokens.
func ExampleAggregator_Count_dryRun() {
	lists, end := overSandbox(aggregator.Options{})
	defer end()

	answer, err := lists.Count(context.Background(), aggregator.CountRequest{
		BotID: "123456789012345678", ServerCount: 1234,
		Tokens: aggregator.Tokens{"paced.example": "your-token-there"},
		DryRun: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, call := range answer.Planned {
		request := call.Masked()
		fmt.Println(request.Method, request.URL)
		for _, h := range request.Header {
			if h.Name != "User-Agent" {
				fmt.Printf("%s: %s\n", h.Name, h.Value)
			}
		}
		fmt.Println(string(request.Body))
	}
	// Output:
	// POST https://paced.example/stats/123456789012345678
	// Content-Type: application/json
	// Authorization: Bot ***
	// {"guilds":1234}
}

// What the lists say of a bot is merged.
func ExampleAggregator_Bot() {
	lists, end := overSandbox(aggregator.Options{})
	defer end()
	ctx, bot := context.Background(), "123456789012345678"
	if _, err := lists.Count(ctx, aggregator.CountRequest{BotID: bot, ServerCount: 1234, Tokens: aggregator.Tokens{"list.example": "your-token-there"}}); err != nil {
		log.Fatal(err)
	}

	answer, err := lists.Bot(ctx, aggregator.BotRequest{BotID: bot})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Username, "has", answer.ServerCount, "servers")
	for _, r := range answer.Lists {
		fmt.Println(r.List, r.Status, r.Found)
	}
	// Output:
	// Sandbox Bot has 1234 servers
	// list.example 200 true
}

// Lists are asked whether a user has voted.
func ExampleAggregator_Voted() {
	lists, end := overSandbox(aggregator.Options{})
	defer end()

	answer, err := lists.Voted(context.Background(), aggregator.VoteRequest{
		BotID: "123456789012345678", UserID: "234567890123456789",
		Tokens: aggregator.Tokens{"paced.example": "your-token-there"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("voted:", answer.Voted())
	for _, r := range answer.Results {
		fmt.Println(r.List, r.OK, r.Voted)
	}
	// Output:
	// voted: false
	// paced.example true false
}

// A list that is not built in is a few lines of YAML, put over the built-in ones.
func ExampleOptions_lists() {
	lists, end := overSandbox(aggregator.Options{Lists: []catalog.File{{Name: "mine.yaml", Data: []byte(`
lists:
  mine.example:
    name: My list
    url: "https://mine.example/"
    api_post: "https://mine.example/bots/:id"
    api_field: servers
`)}}})
	defer end()

	for _, l := range lists.Lists() {
		if l.Name == "My list" {
			fmt.Println(l.ID, "takes counts:", l.TakesCounts())
		}
	}
	_, err := aggregator.New(aggregator.Options{Lists: []catalog.File{{Name: "mine.yaml", Data: []byte(`
lists:
  mine.example: {name: My list, url: "https://mine.example/", api_get: "http://mine.example/bots"}
`)}}})
	fmt.Println(err)
	// Output:
	// mine.example takes counts: true
	// mine.yaml:3: mine.example: api_get: must begin with https:// (http:// is for loopback hosts and defunct lists), is "http://mine.example/bots"
}

// With a store of its own, a program that starts anew heeds what lists limit.
func ExampleOptions_store() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	for range 2 { // two runs of a program
		kept, err := sqlite.Open(filepath.Join(dir, "lists.db"), nil)
		if err != nil {
			log.Fatal(err)
		}
		lists, end := overSandbox(aggregator.Options{Store: kept})
		answer, err := lists.Count(context.Background(), aggregator.CountRequest{
			BotID: "123456789012345678", ServerCount: 1234,
			Tokens: aggregator.Tokens{"paced.example": "your-token-there"},
		})
		if err != nil {
			log.Fatal(err)
		}
		for _, r := range answer.Results {
			fmt.Println(r.List, r.Status)
		}
		for _, s := range answer.Skipped {
			fmt.Println(s.ID, "is", s.Why.Reason)
		}
		end()
		if err := kept.Close(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// paced.example 200
	// paced.example is paced
}
