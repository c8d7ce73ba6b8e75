package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"aggregator/aggregate"
	"aggregator/lists"
)

// largest keeps what is written to it, and how much at once.
type largest struct {
	bytes.Buffer
	most int
}

func (l *largest) Write(p []byte) (int, error) {
	l.most = max(l.most, len(p))
	return l.Buffer.Write(p)
}

// TestLargeAnswersAreWrittenAsTheyAreEncoded has texts that grow six-fold in
// JSON: no more than a part of them is in memory.
func TestLargeAnswersAreWrittenAsTheyAreEncoded(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"control signs": strings.Repeat("\x01", 512<<10),
		"letters":       strings.Repeat("x", 512<<10),
		"four bytes":    strings.Repeat("😀", 100<<10),
		"odd length":    "a" + strings.Repeat("😀\u2028é\"\\\n", 20<<10),
		"just a piece":  strings.Repeat("x", textPiece),
		"and one":       strings.Repeat("x", textPiece+1),
		"nothing":       "",
	} {
		var a aggregate.CountAnswer
		want := map[string]any{"success": map[string]any{}, "failure": map[string]any{}}
		for i := range 5 {
			id := fmt.Sprintf("list%d.test", i)
			a.Results = append(a.Results, aggregate.Result{List: id, Verdict: lists.Verdict{OK: true, Status: 200, Text: text}, Sent: func() string { return "{}" }})
			want["success"].(map[string]any)[id] = []any{200.0, text, "{}"}
		}
		var w largest
		if err := EncodeCount(&w, a); err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(w.Bytes(), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, another answer", name, err)
		}
		if w.most > 2*maxUnwritten {
			t.Errorf("%s: %d bytes at once, want at most %d", name, w.most, 2*maxUnwritten)
		}
	}
}

func TestLargeReadings(t *testing.T) {
	t.Parallel()
	large := `{"a":"` + strings.Repeat("x", 3*maxUnwritten) + `"}`
	a := aggregate.BotAnswer{Bot: lists.Bot{ID: "1", Owners: []string{"2", "3"}, Lists: []lists.Reading{
		{List: "a.test", JSON: json.RawMessage(" " + large + "\n"), Status: 200}, {List: "b.test", JSON: json.RawMessage("{}"), Status: 200}, {List: "c.test", JSON: json.RawMessage(large), Status: 404},
		{List: "d.test", Text: "Connection \"reset\"\n", Status: -1},
	}}}
	var w bytes.Buffer
	if err := EncodeBot(&w, a); err != nil {
		t.Fatal(err)
	}
	want := `{"id":"1","username":"","discriminator":"","owners":["2","3"],"server_count":0,"invite":"","prefix":"","website":"","github":"","support":"","library":"",` +
		`"list_data":{"a.test":[` + large + `,200],"b.test":[{},200],"c.test":[` + large + `,404],"d.test":["Connection \"reset\"\n",-1]}}`
	if w.String() != want {
		t.Errorf("%.200s…, want %.200s…", w.String(), want)
	}
}

// broken is a caller that has left.
type broken struct{ writes int }

var errGone = errors.New("gone")

func (b *broken) Write([]byte) (int, error) { b.writes++; return 0, errGone }

func TestEncodingEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 10*maxUnwritten)
	var w broken
	if err := EncodeCount(&w, aggregate.CountAnswer{Results: []aggregate.Result{{List: "a", Sent: func() string { return large }}}}); !errors.Is(err, errGone) || w.writes != 1 {
		t.Errorf("a count: %v after %d writes", err, w.writes)
	}
	w = broken{}
	if err := EncodeBot(&w, aggregate.BotAnswer{Bot: lists.Bot{Lists: []lists.Reading{{JSON: json.RawMessage(`"` + large + `"`)}}}}); !errors.Is(err, errGone) || w.writes != 1 {
		t.Errorf("a reading: %v after %d writes", err, w.writes)
	}
}
