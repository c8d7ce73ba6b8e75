package lists

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

// mergeAll merges the answers of as many lists, whose common keys are read.
func mergeAll(t testing.TB, answers ...Answer) Bot {
	t.Helper()
	calls := make([]ReadCall, len(answers))
	for i := range answers {
		calls[i] = mustRead(t, fmt.Sprintf("list%02d.test", i), nil)
	}
	return merge(calls, answers)
}

// said are answers of status 200.
func said(bodies ...string) []Answer {
	all := make([]Answer, len(bodies))
	for i, body := range bodies {
		all[i] = Answer{Status: 200, Body: []byte(body)}
	}
	return all
}

func TestMergeFacts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		answers []Answer
		want    string
	}{
		{"no list", nil, `{}`},
		{"lists that know nothing", said(`{}`, `{}`), `{}`},
		{"most common", said(`{"name":"a"}`, `{"name":"b"}`, `{"name":"a"}`), `{"username":"a"}`},
		{"most common under several keys", said(`{"name":"a","username":"a"}`, `{"name":"b"}`), `{"username":"a"}`},
		{"tie of two", said(`{"name":"a"}`, `{"name":"b"}`), `{"username":"b"}`},
		{"tie of three", said(`{"prefix":"a"}`, `{"prefix":"b"}`, `{"prefix":"c"}`), `{"prefix":"c"}`},
		{"tie: first appearance, not last", said(`{"name":"a"}`, `{"name":"b"}`, `{"name":"b"}`, `{"name":"a"}`), `{"username":"b"}`},
		{"tie: first appearance, in turns", said(`{"name":"a"}`, `{"name":"b"}`, `{"name":"a"}`, `{"name":"b"}`), `{"username":"b"}`},
		{"tie below the most common", said(`{"name":"c"}`, `{"name":"a"}`, `{"name":"b"}`, `{"name":"c"}`), `{"username":"c"}`},
		{"case counts", said(`{"name":"A"}`, `{"name":"a"}`, `{"name":"A"}`), `{"username":"A"}`},
		{"empty does not count", said(`{"name":"a"}`, `{"name":""}`, `{"name":""}`), `{"username":"a"}`},
		{"number and string are one discriminator", said(`{"discrim":42}`, `{"discrim":"7"}`, `{"disc":"42"}`), `{"discriminator":"42"}`},
		{"every field by itself", said(`{"name":"a","website":"x","library":"go"}`, `{"name":"a","website":"y","git":"g"}`, `{"website":"x"}`), `{"github":"g","library":"go","username":"a","website":"x"}`},
		{"owners in the order seen", said(`{"owner":"100000000000000003"}`, `{"owners":["100000000000000001","100000000000000003"]}`, `{"owner":100000000000000002}`), `{"owners":["100000000000000003","100000000000000001","100000000000000002"]}`},
		{"largest count", said(`{"count":5}`, `{"servers":"1,234"}`, `{"guilds":7}`), `{"server_count":1234}`},
		{"counts that are none", said(`{"count":"12k"}`, `{"count":-5}`, `{"count":3.7}`, `{"count":true}`, `{"count":{}}`, `{"count":1e400}`), `{}`},
		{"only status 200 counts", []Answer{{Status: 201, Body: []byte(`{"name":"a","count":9}`)}, {Status: 404, Body: []byte(`{"name":"b","count":5}`)}, {Status: 500, Body: []byte(`{"name":"c"}`)}, {Status: 200, Body: []byte(`{"name":"d"}`)}}, `{"username":"d"}`},
		{"only JSON objects count", said(`[{"name":"a"}]`, `"name"`, `<html>`, ``, `5`, `{"name":"b"}`), `{"username":"b"}`},
		{"no answer does not count", []Answer{{Status: NoAnswer, Reason: "Timeout after 2s", Body: []byte(`{"name":"a"}`)}, {Status: 200, Body: []byte(`{"name":"b"}`)}}, `{"username":"b"}`},
		{"too deep does not count", said(`{"name":"a","x":`+strings.Repeat("[", 64)+strings.Repeat("]", 64)+`}`, `{"name":"b"}`), `{"username":"b"}`},
		{"bad bytes", said("{\"name\":\"a\xff\"}", `{"count":5}`), `{"server_count":5,"username":"a�"}`},
		{"Latin-1", said("{\"name\":\"Z\xfcrich\"}"), `{"username":"Z�rich"}`},
		{"half a sign", said(`{"name":"a\ud83d"}`), `{"username":"a�"}`},
		{"an error", said(`{"error":true,"name":"RateLimited","count":12}`, `{"error":{"id":7},"name":"x"}`, `{"error":"no","owner":"100000000000000001"}`), `{}`},
		{"a failure", said(`{"success":"false","prefix":"?","library":"php"}`, `{"ok":0,"name":"x"}`, `{"success":false,"count":5}`), `{}`},
		{"no failure", said(`{"success":true,"error":null,"name":"x"}`, `{"ok":1,"error":"","count":5}`), `{"server_count":5,"username":"x"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := notable(t, mergeAll(t, tt.answers...)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestMergeShape(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(mergeAll(t))
	want := `{"id":"123456789012345678","username":"Unknown","discriminator":"0000","owners":[],"server_count":0,"invite":"","prefix":"","website":"","github":"","support":"","library":""}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

func TestMergeData(t *testing.T) {
	t.Parallel()
	nest := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	nestObjects := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	quote := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	digits := strings.Repeat("1", 400)
	for _, tt := range []struct {
		name   string
		answer Answer
		want   string // list_data's first, as JSON
	}{
		{"object", Answer{Status: 200, Body: []byte(`{"a":1}`)}, `{"a":1}`},
		{"array", Answer{Status: 200, Body: []byte(`[1]`)}, `[1]`},
		{"string", Answer{Status: 200, Body: []byte(`"x"`)}, `"x"`},
		{"null", Answer{Status: 200, Body: []byte(`null`)}, `null`},
		{"any status", Answer{Status: 404, Body: []byte(`{"error":"no bot"}`)}, `{"error":"no bot"}`},
		{"digits", Answer{Status: 200, Body: []byte(`{"id":123456789012345678901234567890,"f":1.10000000000000000001,"e":1E+02,"z":-0.0}`)}, `{"id":123456789012345678901234567890,"f":1.10000000000000000001,"e":1E+02,"z":-0.0}`},
		{"key twice", Answer{Status: 200, Body: []byte(`{"a":1,"a":2}`)}, `{"a":1,"a":2}`},
		{"order of keys", Answer{Status: 200, Body: []byte(`{"b":1,"a":2}`)}, `{"b":1,"a":2}`},
		{"signs of HTML", Answer{Status: 200, Body: []byte(`{"a":"<&>"}`)}, `{"a":"<&>"}`},
		{"half a sign as an escape", Answer{Status: 200, Body: []byte(`{"a":"\ud83d","b":"\ude00\ud83d\ude00"}`)}, `{"a":"\ufffd","b":"\ufffd\ud83d\ude00"}`},

		{"words", Answer{Status: 200, Body: []byte(`Not "found"`)}, `"Not \"found\""`},
		{"page", Answer{Status: 200, Body: []byte(`<html>`)}, `"<html>"`},
		{"nothing", Answer{Status: 204}, `""`},
		{"half of JSON", Answer{Status: 200, Body: []byte(`{"a":`)}, `"{\"a\":"`},
		{"two values", Answer{Status: 200, Body: []byte(`{}{}`)}, `"{}{}"`},
		{"byte order mark", Answer{Status: 200, Body: []byte("\ufeff{}")}, quote("\ufeff{}")},
		{"bad bytes", Answer{Status: 200, Body: []byte("{\"a\":\"\xff\"}")}, `{"a":"�"}`},
		{"control signs", Answer{Status: 200, Body: []byte("a\x00b\x1b")}, `"a\u0000b\u001b"`},

		{"64 levels", Answer{Status: 200, Body: []byte(nest(64))}, nest(64)},
		{"65 levels", Answer{Status: 200, Body: []byte(nest(65))}, quote(nest(65))},
		{"64 levels of objects", Answer{Status: 200, Body: []byte(nestObjects(64))}, nestObjects(64)},
		{"65 levels of objects", Answer{Status: 200, Body: []byte(nestObjects(65))}, quote(nestObjects(65))},
		{"100000 levels", Answer{Status: 200, Body: []byte(nest(100000))}, quote(nest(100000))},
		{"brackets in a string", Answer{Status: 200, Body: []byte(`"` + strings.Repeat(`[{\"`, 100) + `"`)}, `"` + strings.Repeat(`[{\"`, 100) + `"`},
		{"many beside each other", Answer{Status: 200, Body: []byte(`[` + strings.Repeat(`[],`, 100) + `{}]`)}, `[` + strings.Repeat(`[],`, 100) + `{}]`},
		{"400 digits", Answer{Status: 200, Body: []byte(`[` + digits + `]`)}, `[` + digits + `]`},
		{"401 digits", Answer{Status: 200, Body: []byte(`[` + digits + `1]`)}, quote(`[` + digits + `1]`)},
		{"401 digits, some behind the point", Answer{Status: 200, Body: []byte(`[-` + digits[1:] + `.11]`)}, quote(`[-` + digits[1:] + `.11]`)},
		{"401 digits, some in the exponent", Answer{Status: 200, Body: []byte(`[` + digits[1:] + `e+11]`)}, quote(`[` + digits[1:] + `e+11]`)},
		{"many numbers", Answer{Status: 200, Body: []byte(`[` + strings.Repeat("12,-3.4e5,", 200) + `0]`)}, `[` + strings.Repeat("12,-3.4e5,", 200) + `0]`},
		{"digits in a string", Answer{Status: 200, Body: []byte(`"` + digits + `1"`)}, `"` + digits + `1"`},

		{"timeout", Answer{Status: NoAnswer, Reason: "Timeout after 2s"}, `"Timeout after 2s"`},
		{"refused", Answer{Status: NoAnswer, Reason: "Connection refused"}, `"Connection refused"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := mergeAll(t, tt.answer).Lists
			if r := got[0]; len(got) != 1 || r.List != "list00.test" || r.Status != tt.answer.Status || string(r.Data()) != tt.want {
				t.Errorf("%s %d %.200s\nwant %.200s", got[0].List, got[0].Status, got[0].Data(), tt.want)
			}
			if !json.Valid(got[0].Data()) {
				t.Error("no valid JSON")
			}
		})
	}
}

func TestMergeOneReadingForEachList(t *testing.T) {
	t.Parallel()
	got := mergeAll(t, append(said(`{}`, `x`), Answer{Status: NoAnswer, Reason: "Connection reset"})...).Lists
	want := []Reading{
		{List: "list00.test", JSON: json.RawMessage(`{}`), Status: 200},
		{List: "list01.test", Text: "x", Status: 200},
		{List: "list02.test", Text: "Connection reset", Status: -1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// A list that is read with a key may echo it.
func TestMergeHidesKeys(t *testing.T) {
	t.Parallel()
	l := mustList(t, "list.test", Entry{APIGet: "https://list.test/:id", Get: &GetEntry{Auth: &AuthEntry{}}})
	for _, tt := range []struct {
		name      string
		answer    Answer
		data      string
		wantFacts string
	}{
		{"in JSON", Answer{Status: 200, Body: []byte(`{"name":"key/secret","count":5}`)}, `{"name":"***","count":5}`, `{"server_count":5,"username":"***"}`},
		{"in text", Answer{Status: 401, Body: []byte(`no key/secret`)}, `"no ***"`, `{}`},
		{"in an escape", Answer{Status: 401, Body: []byte(`{"url":"?k=key%2Fsecret"}`)}, `{"url":"?k=***"}`, `{}`},
		{"in a reason", Answer{Status: NoAnswer, Reason: `bad key/secret`}, `"bad ***"`, `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			call, skipped := l.PlanRead(someBot, NewToken("key/secret", ""), someAgent)
			if skipped != nil {
				t.Fatal(skipped)
			}
			bot := merge([]ReadCall{call}, []Answer{tt.answer})
			if got := string(bot.Lists[0].Data()); got != tt.data {
				t.Errorf("data %s, want %s", got, tt.data)
			}
			if got := notable(t, bot); got != tt.wantFacts {
				t.Errorf("facts %s, want %s", got, tt.wantFacts)
			}
		})
	}
}

// A list that knows the operator's key may show it to a caller that came with
// another, or with none.
func TestReadHidesFurtherSecrets(t *testing.T) {
	t.Parallel()
	operators := NewMasker(NewToken("operators/key", ""), NewToken("Bearer another+key", ""))
	for name, l := range map[string]*List{
		"with a key":    mustList(t, "list.test", Entry{APIGet: "https://list.test/:id", Get: &GetEntry{Auth: &AuthEntry{}}}),
		"without a key": mustList(t, "list.test", Entry{APIGet: "https://list.test/:id"}),
	} {
		call, skipped := l.PlanRead(someBot, NewToken("key/secret", ""), someAgent)
		if skipped != nil {
			t.Fatal(skipped)
		}
		got := call.Hiding(operators).Read(Answer{Status: 200, Body: []byte(`{"of":"operators\/key","name":"another%2bkey"}`)})
		if want := `{"of":"***","name":"***"}`; string(got.Data()) != want || Merge(someBot, []Reading{got}).Username != Mask {
			t.Errorf("%s: got %s and the name %q, want %s and ***", name, got.Data(), Merge(someBot, []Reading{got}).Username, want)
		}
		got = call.Hiding(operators).Read(Answer{Status: NoAnswer, Reason: "operators/key and key/secret"})
		want := map[string]string{"with a key": `"*** and ***"`, "without a key": `"*** and key/secret"`}[name]
		if string(got.Data()) != want {
			t.Errorf("%s: got the reason %s, want %s", name, got.Data(), want)
		}
		if got := call.Hiding(nil).Read(Answer{Status: NoAnswer, Reason: "operators/key"}); string(got.Data()) != `"operators/key"` {
			t.Errorf("%s: without further secrets got %s", name, got.Data())
		}
	}
}

// How long lists took makes no difference, nor does merging leave a trace.
func TestMergeIsDeterministic(t *testing.T) {
	t.Parallel()
	calls, answers := sampleReadings(t, 16)
	want := merge(calls, answers)
	if got := notable(t, want); !strings.Contains(got, `"username"`) || !strings.Contains(got, `"owners"`) {
		t.Fatalf("the sample says too little: %s", got)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		for i := range answers {
			answers[i].Took = time.Duration(random.IntN(1000)) * time.Millisecond
		}
		if got := merge(calls, answers); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
}

// sampleReadings are n readings with answers of about 1 KB each.
func sampleReadings(t testing.TB, n int) ([]ReadCall, []Answer) {
	t.Helper()
	mapped := &GetEntry{Root: "data.bot", Fields: &ReadEntry{
		Username: Sources{{Path: "user.name"}}, Owners: Sources{{Path: "owners[].id"}}, ServerCount: Sources{{Path: "stats[-1].guilds"}},
		Website: Sources{{Path: "links[name=website].value"}}, Support: Sources{{Path: "server", URL: "https://discord.gg/:value"}},
	}}
	filler := strings.Repeat("A bot that does what bots do, and more. ", 20)
	var calls []ReadCall
	var answers []Answer
	for i := range n {
		id := fmt.Sprintf("list%02d.test", i)
		body := fmt.Sprintf(`{"id":"%s","username":"Bot %d","discriminator":"%04d","owners":["10000000000000000%d",{"id":20000000000000000%d}],"guildCount":"1,%03d","website":"https://bot.test/%d","support_server":"https://discord.gg/x","prefix":"!","links":{"invite":"https://bot.test/invite"},"stats":{"guilds":%d},"description":%q}`,
			someBot, i%3, i%2, i%5, i%4, i, i%4, i, filler)
		var g *GetEntry
		if i%4 == 3 {
			g = mapped
			body = fmt.Sprintf(`{"ok":true,"data":{"bot":{"user":{"name":"Bot %d"},"owners":[{"id":"30000000000000000%d"}],"stats":[{"guilds":5},{"guilds":%d}],"links":[{"name":"Website","value":"https://bot.test/m"}],"server":"code","description":%q}}}`, i%3, i%3, 1000+i, filler)
		}
		calls = append(calls, mustRead(t, id, g))
		answers = append(answers, Answer{Status: 200, Body: []byte(body)})
	}
	return calls, answers
}
