// Command http posts a bot's server count every half hour, over HTTP with the
// standard library alone. It asks Discord on how many servers the bot is; a bot
// with a library of its own knows that already.
//
//	DISCORD_TOKEN=… BOTLIST_TOKENS='{"LIST": "TOKEN"}' go run ./examples/go/http
//
// A bot that has a key in bots.yaml sets MYBOT_KEY, and needs no list tokens.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"
)

var (
	service = cmp.Or(os.Getenv("BOTLISTS_URL"), "http://localhost:8080")
	discord = cmp.Or(os.Getenv("DISCORD_API"), "https://discord.com/api/v10")
	tokens  = json.RawMessage(cmp.Or(os.Getenv("BOTLIST_TOKENS"), "{}")) // by the ids of lists
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for {
		if err := postCount(ctx); err != nil {
			log.Print("not posted: ", err) // the next one makes up for it
		}
		select {
		case <-time.After(30 * time.Minute):
		case <-ctx.Done():
			return
		}
	}
}

// postCount posts the count to every list that has a token, and prints what each
// said.
func postCount(ctx context.Context) error {
	var application struct {
		ID      string
		Servers int64 `json:"approximate_guild_count"`
	}
	err := ask(ctx, http.MethodGet, discord+"/applications/@me", "Bot "+os.Getenv("DISCORD_TOKEN"), nil, &application)
	if err != nil {
		return err
	}
	count := map[string]any{"bot_id": application.ID, "server_count": application.Servers, "tokens": tokens}
	var answer struct {
		Success, Failure map[string][]any
		Skipped          map[string]string
	}
	authorization := ""
	if key := os.Getenv("MYBOT_KEY"); key != "" {
		authorization = "Bearer " + key
	}
	if err := ask(ctx, http.MethodPost, service+"/api/count", authorization, count, &answer); err != nil {
		return err
	}
	for list := range answer.Success {
		fmt.Println("accepted by", list)
	}
	for list, said := range answer.Failure {
		fmt.Println(list, "said", said[0], said[1])
	}
	for list, why := range answer.Skipped {
		fmt.Println(list, "was not asked:", why)
	}
	return nil
}

// ask sends a request, and decodes the answer to it.
func ask(ctx context.Context, method, url, authorization string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, sent)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", "DiscordBot (https://bot.example, 1.0)")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		var refused struct{ Message string }
		_ = json.NewDecoder(response.Body).Decode(&refused) // no JSON says nothing
		return errors.New(response.Status + " " + refused.Message)
	}
	return json.NewDecoder(response.Body).Decode(answer)
}
