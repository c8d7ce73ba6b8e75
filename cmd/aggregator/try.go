package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"

	"aggregator"
	"aggregator/catalog"
	"aggregator/fanout"
	"aggregator/lists"
)

// wrongToken is what no list takes.
const wrongToken = "bad"

// try runs a list owner's entry against the list's live API.
func try(ctx context.Context, env environment, args []string) error {
	fs := newFlags("try", env.errOut)
	id := fs.String("list", "", "`ID` of the list in FILE")
	bot := fs.String("bot", "", "`ID` of a bot of yours on the list (its Discord snowflake)")
	token := fs.String("token", "", "the bot's `TOKEN` for the list; NUMBER:TOKEN where the list numbers bots itself")
	servers := fs.Int64("servers", 1, "server `COUNT` that the last post leaves at the list")
	file, args := firstArgument(args)
	if err := parse(fs, args, env.getenv); err != nil {
		return err
	}
	if file == "" || *id == "" || *token == "" || !lists.IsSnowflake(*bot) || *servers < 0 {
		return errors.New("want: aggregator try FILE --list ID --bot SNOWFLAKE --token TOKEN")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	c, _, err := catalog.Load([]catalog.File{{Name: "lists.yaml", Data: aggregator.ListsYAML}, {Name: file, Data: data}}, catalog.File{})
	if err != nil {
		return err
	}
	l, ok := c.List(*id)
	if !ok {
		return fmt.Errorf("%s holds no list %q", file, *id)
	}
	t := trial{
		out: env.out, list: l, bot: *bot, token: lists.NewToken(*token, ""), servers: *servers,
		client: fanout.New(env.transport, slog.New(slog.DiscardHandler)),
	}
	if !t.run(ctx) {
		return errSaid
	}
	return nil
}

// trial tries one list.
type trial struct {
	out     io.Writer
	list    *lists.List
	bot     string
	token   lists.Token
	servers int64
	client  *fanout.Client
}

// run tries everything that the list's limits leave room for, and tells
// whether all of it worked. The last post leaves the true count.
func (t trial) run(ctx context.Context) bool {
	ok := true
	if t.list.TakesCounts() {
		zero, shard, of := int64(0), int64(0), int64(1)
		posts := []struct {
			what  string
			count lists.Count
			token lists.Token
			wrong bool
		}{
			{what: "wrong token", count: lists.Count{ServerCount: t.servers}, token: t.token.WithSecret(wrongToken), wrong: true},
			{what: "zero", count: lists.Count{ServerCount: zero}, token: t.token},
			{what: "sharded", count: lists.Count{ServerCount: t.servers, ShardID: &shard, ShardCount: &of, Shards: []int64{t.servers}}, token: t.token},
			{what: "plain", count: lists.Count{ServerCount: t.servers}, token: t.token},
		}
		if most := t.list.PostsAllowed(); most < len(posts) {
			_, _ = fmt.Fprintf(t.out, "%-12s the list allows %d in its interval, so the rest is not tried\n", "note", most)
			posts = posts[len(posts)-1:]
		}
		for _, p := range posts {
			p.count.BotID = t.bot
			ok = t.post(ctx, p.what, p.count, p.token, p.wrong) && ok
		}
	} else {
		t.say("posting", true, "not tried: the entry has no way to post")
	}
	return t.read(ctx) && ok
}

func (t trial) post(ctx context.Context, what string, count lists.Count, token lists.Token, wrong bool) bool {
	call, why := t.list.PlanPost(count, token, userAgent)
	if why != nil {
		return t.say(what, false, why.String())
	}
	v := call.Judge(t.client.Run(ctx, lists.Posts, []lists.Call{call})[0])
	text := fmt.Sprintf("%d %s (sent %s)", v.Status, shorten(v.Text, 200), call.Sent())
	if wrong && v.OK {
		return t.say(what, false, "ACCEPTED, "+text)
	}
	if wrong {
		return t.say(what, v.Status != lists.NoAnswer, "refused, "+text)
	}
	return t.say(what, v.OK, text)
}

func (t trial) read(ctx context.Context) bool {
	if !t.list.Readable() {
		return t.say("reading", true, "not tried: the entry has no way to read")
	}
	call, why := t.list.PlanRead(t.bot, t.token, userAgent)
	if why != nil {
		return t.say("reading", false, why.String())
	}
	answer := t.client.Run(ctx, lists.Readings, []lists.Call{call.Call})[0]
	bot := lists.Merge(t.bot, []lists.Reading{call.Read(answer)})
	if r := bot.Lists[0]; r.Status != http.StatusOK {
		return t.say("reading", false, fmt.Sprintf("%d %s", r.Status, shorten(string(r.Data), 200)))
	}
	return t.say("reading", true, fmt.Sprintf("username %q, owners %v, server_count %d, invite %q, prefix %q, website %q, github %q, support %q, library %q",
		bot.Username, bot.Owners, bot.ServerCount, bot.Invite, bot.Prefix, bot.Website, bot.Github, bot.Support, bot.Library))
}

// say prints one result, and returns it.
func (t trial) say(what string, ok bool, text string) bool {
	result := "ok"
	if !ok {
		result = "FAILED"
	}
	_, _ = fmt.Fprintf(t.out, "%-12s %-7s %s\n", what, result, text)
	return ok
}
