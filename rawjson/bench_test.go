package rawjson_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"aggregator/rawjson"
)

// largeObject is 400 KB of what a list may answer: a long description, many
// reviews, and a few facts at its end.
func largeObject() []byte {
	var b strings.Builder
	b.WriteString(`{"description":"` + strings.Repeat(`A bot that does this and that. \"Quoted\"\n`, 2000) + `","reviews":[`)
	for i := range 2500 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%018d","author":{"name":"user %d","avatar":null},"stars":%d,"text":"It works, é."}`, i, i, i%5)
	}
	b.WriteString(`]`)
	for i := range 10 {
		fmt.Fprintf(&b, `,"field%d":{"value":%d}`, i, i)
	}
	b.WriteString(`}`)
	return []byte(b.String())
}

var paths = func() (all []string) {
	for i := range 10 {
		all = append(all, fmt.Sprintf("field%d", i))
	}
	return all
}()

func BenchmarkParse(b *testing.B) {
	text := largeObject()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := rawjson.Parse(text); !ok {
			b.Fatal("no JSON")
		}
	}
}

func BenchmarkValidOfEncodingJSON(b *testing.B) {
	text := largeObject()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if !json.Valid(text) {
			b.Fatal("no JSON")
		}
	}
}

// BenchmarkTenPaths checks an object once, cuts it once and follows ten paths.
func BenchmarkTenPaths(b *testing.B) {
	text := largeObject()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		v, _ := rawjson.Parse(text)
		members, found := v.Members(), 0
		for _, path := range paths {
			for _, m := range members {
				if m.Key == path && !m.Value.Get("value").IsZero() {
					found++
				}
			}
		}
		if found != len(paths) {
			b.Fatalf("found %d of %d", found, len(paths))
		}
	}
}

// BenchmarkTenGets checks an object once and looks through it for each path.
func BenchmarkTenGets(b *testing.B) {
	text := largeObject()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		v, _ := rawjson.Parse(text)
		for _, path := range paths {
			if v.Get(path).Get("value").IsZero() {
				b.Fatalf("%s is not found", path)
			}
		}
	}
}

func BenchmarkMembersOfACount(b *testing.B) {
	text := []byte(`{"bot_id":"123456789012345678","server_count":1234`)
	for i := range 23 {
		text = fmt.Appendf(text, `,"list%02d.example":"a token of some length, as lists give them out"`, i)
	}
	text = append(text, '}')
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if v, _ := rawjson.Parse(text); len(v.Members()) != 25 {
			b.Fatal("not all members")
		}
	}
}

func BenchmarkAppendString(b *testing.B) {
	text := strings.Repeat(`{"success":true,"message":"posted"}`, 100)
	var to []byte
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		to = rawjson.AppendString(to[:0], text)
	}
}
