// Command embed posts a bot's server count every half hour, with the library: there
// is no service, and lists are asked by this program. What they ask to wait for is
// kept in a file, so that a restart does no harm.
//
//	BOT_ID=… SERVERS=1234 BOTLIST_TOKENS='{"LIST": "TOKEN"}' go run ./examples/go/embed
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"time"

	"aggregator"
	"aggregator/store/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	kept, err := sqlite.Open("mybot.db", slog.Default())
	if err != nil {
		return err
	}
	defer func() { _ = kept.Close() }()
	lists, err := aggregator.New(aggregator.Options{Store: kept})
	if err != nil {
		return err
	}
	defer func() { _ = lists.Close() }()
	var tokens aggregator.Tokens // by the ids of lists
	if err := json.Unmarshal([]byte(os.Getenv("BOTLIST_TOKENS")), &tokens); err != nil {
		return errors.New("BOTLIST_TOKENS is no JSON object of list ids and tokens")
	}
	for {
		servers, err := strconv.ParseInt(os.Getenv("SERVERS"), 10, 64) // a bot knows: len(session.State.Guilds)
		if err != nil {
			return err
		}
		if err := post(ctx, os.Stdout, lists, os.Getenv("BOT_ID"), servers, tokens); err != nil {
			log.Print("not posted: ", err) // the next one makes up for it
		}
		select {
		case <-time.After(30 * time.Minute):
		case <-ctx.Done():
			return nil
		}
	}
}

// post posts a count, and prints what each list said.
func post(ctx context.Context, out io.Writer, lists *aggregator.Aggregator, bot string, servers int64, tokens aggregator.Tokens) error {
	answer, err := lists.Count(ctx, aggregator.CountRequest{BotID: bot, ServerCount: servers, Tokens: tokens})
	if err != nil {
		return err
	}
	for _, r := range answer.Results {
		if r.OK {
			_, _ = fmt.Fprintln(out, "accepted by", r.List)
		} else {
			_, _ = fmt.Fprintln(out, r.List, "said", r.Status, r.Text)
		}
	}
	for _, s := range answer.Skipped {
		_, _ = fmt.Fprintln(out, s.ID, "was not asked:", s.Why)
	}
	return nil
}
