package lists

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkPlanPost(b *testing.B) {
	var all []*List
	for i := range 23 {
		id := fmt.Sprintf("list%02d.test", i)
		all = append(all, mustList(b, id, Entry{APIPost: "https://" + id + "/api/bots/:id/stats", APIField: "server_count", APIShardID: "shard_id", APIShardCount: "shard_count"}))
	}
	token := NewToken("a token of some length, as lists give them out", "")
	count := Count{BotID: someBot, ServerCount: 12345, ShardID: new(int64(0)), ShardCount: new(int64(4))}
	b.ReportAllocs()
	for b.Loop() {
		for _, l := range all {
			call, skipped := l.PlanPost(count, token, someAgent)
			if r := call.Wire(); skipped != nil || len(r.Body) == 0 || call.Sent() == "" {
				b.Fatal("no request")
			}
		}
	}
}

func BenchmarkMerge(b *testing.B) {
	calls, answers := sampleReadings(b, 16)
	size := 0
	for _, a := range answers {
		size += len(a.Body)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if bot := merge(calls, answers); bot.ServerCount == 0 {
			b.Fatal("nothing read")
		}
	}
}

// BenchmarkReadLarge reads ten fields of an answer of 400 KB, whose many reviews
// stand before them.
func BenchmarkReadLarge(b *testing.B) {
	var mapped ReadEntry
	for _, to := range []*Sources{
		&mapped.Username, &mapped.Discriminator, &mapped.Owners, &mapped.ServerCount, &mapped.Invite,
		&mapped.Prefix, &mapped.Website, &mapped.Github, &mapped.Support, &mapped.Library,
	} {
		*to = Sources{{Path: fmt.Sprintf("data.bot.field%p", to)}}
	}
	answer := `{"data":{"bot":{"reviews":[` + strings.Repeat(`{"id":"123456789012345678","author":{"name":"some user","avatar":null},"stars":5,"text":"It works, é."},`, 4000) + `null]`
	for _, f := range Fields() {
		answer += fmt.Sprintf(`,"%s":"100000000000000001"`, strings.TrimPrefix(f.Sources(&mapped)[0].Path, "data.bot."))
	}
	answer += `}}}`
	calls, answers := []ReadCall{mustRead(b, "list.test", &GetEntry{Fields: &mapped})}, []Answer{{Status: 200, Body: []byte(answer)}}
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		if bot := merge(calls, answers); len(bot.Owners) != 1 || bot.Library == "" {
			b.Fatalf("read %+v", bot)
		}
	}
}

func BenchmarkHide(b *testing.B) {
	token := NewToken("eyJhbGciOiJIUzI1NiJ9.eyJib3QiOiIxMjMifQ.0123456789abcdef0123456789abcdef", "")
	for name, text := range map[string]string{
		"short": `{"success":true,"message":"ok"}`,
		"200 B": `{"success":true,"message":"` + strings.Repeat("The count was taken. ", 8) + `"}`,
		"5 KiB": strings.Repeat(`{"name":"some bot","count":12345,"text":"It's \"fun\" & more"},`, 80),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				token.Hide(text)
			}
		})
	}
}

// BenchmarkHideHostile hides secrets of 8 KiB in answers of 512 KiB.
func BenchmarkHideHostile(b *testing.B) {
	for name, row := range hostile() {
		b.Run(name, func(b *testing.B) {
			token := NewToken(row.secret, "")
			b.SetBytes(int64(len(row.text)))
			b.ReportAllocs()
			for b.Loop() {
				token.Hide(row.text)
			}
		})
	}
}
