package sandbox

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"aggregator/lists"
)

// fields says what a post must hold.
type fields struct {
	encoding    string // json, form or query
	text        bool   // numbers are written as strings
	names       [lists.NumValues]lists.Names
	required    [lists.NumValues]bool
	constants   map[string]any // as they are read from the body
	shardObject *lists.ShardObjectEntry
	token       string          // field that holds the token; "" if none does
	known       map[string]bool // every path; false: an object with fields in it
}

// newFields reads an entry: its post part, and what that leaves out its api_*
// fields.
func newFields(e lists.Entry, spec lists.PostEntry, a auth) *fields {
	f := &fields{encoding: "json", constants: map[string]any{}, shardObject: spec.ShardObject, known: map[string]bool{}}
	if spec.Body != "" {
		f.encoding = spec.Body
	}
	f.text = spec.Numbers == "string" || f.encoding != "json"
	for v := range lists.NumValues {
		f.names[v] = v.Names(&e)
		f.required[v] = v == lists.BotID || v == lists.ListBotID || v.Default(&e) != nil
	}
	f.addConstants(spec.Constants)
	for _, names := range f.names {
		for _, name := range names {
			f.know(name)
		}
	}
	if a.in == "body" {
		f.token = a.name
		f.know(a.name)
	}
	return f
}

// addConstants notes what must be the same in every body.
func (f *fields) addConstants(constants map[string]any) {
	for name, constant := range constants {
		f.constants[name] = f.asRead(constant)
		f.know(name)
	}
}

// know notes a field, and the objects around it.
func (f *fields) know(name string) {
	for i, c := range name {
		if c == '.' {
			f.known[name[:i]] = false
		}
	}
	f.known[name] = true
}

// asRead is a constant as a body that holds it is read.
func (f *fields) asRead(constant any) any {
	b, _ := json.Marshal(constant) // strings, numbers and booleans never fail
	if f.encoding == "json" {
		v, _ := decode(b)
		return v
	}
	if s, ok := constant.(string); ok {
		return s
	}
	return string(b)
}

// count is what a post says of a bot.
type count struct {
	servers  int64 // of the shard, where one is named, else of all
	shard    int64
	perShard bool
}

// checkConstants checks the fields that must be the same in every body.
func (f *fields) checkConstants(found map[string]any) error {
	for _, name := range sortedKeys(f.constants) {
		if !reflect.DeepEqual(found[name], f.constants[name]) {
			return refuse(http.StatusBadRequest, "Field %q must be %v", name, f.constants[name])
		}
	}
	return nil
}

// check checks the fields found, and notes the ids among them.
func (f *fields) check(found map[string]any, of *ids) (c count, err error) {
	if err := f.checkConstants(found); err != nil {
		return c, err
	}
	var given [lists.NumValues]bool
	var numbers [lists.NumValues]int64
	for v := range lists.NumValues {
		raw, ok, err := f.value(v, found)
		if err != nil {
			return c, err
		}
		if !ok {
			continue
		}
		given[v] = true
		if numbers[v], err = f.numberOf(v, raw, of); err != nil {
			return c, err
		}
	}
	return f.consistent(given, numbers)
}

// numberOf reads the number that was sent for v, or notes the id that was.
func (f *fields) numberOf(v lists.Value, raw any, of *ids) (number int64, err error) {
	name := f.names[v][0]
	switch v {
	case lists.BotID:
		text, _ := raw.(string)
		if !snowflake.match(text, of) {
			return 0, refuse(http.StatusBadRequest, "Field %q must be the bot's id as a string", name)
		}
		return 0, nil
	case lists.ListBotID:
		if text, ok := f.digits(raw); !ok || !listBotID.match(text, of) {
			return 0, refuse(http.StatusBadRequest, "Field %q must be the number of the bot", name)
		}
		return 0, nil
	case lists.Shards:
		return f.sum(raw)
	}
	number, ok := f.number(raw)
	if !ok {
		return 0, refuse(http.StatusBadRequest, "Field %q must be a whole number%s", name, f.asString())
	}
	return number, nil
}

// consistent checks that the numbers given go together.
func (f *fields) consistent(given [lists.NumValues]bool, numbers [lists.NumValues]int64) (c count, err error) {
	takesCounts := f.names[lists.ServerCount] != nil || f.names[lists.Shards] != nil
	switch {
	case given[lists.ServerCount] && given[lists.Shards]:
		return c, refuse(http.StatusBadRequest, "Either the count or the shards must be given, not both")
	case takesCounts && !given[lists.ServerCount] && !given[lists.Shards]:
		return c, refuse(http.StatusBadRequest, "The count is missing")
	case given[lists.ShardCount] && numbers[lists.ShardCount] < 1:
		return c, refuse(http.StatusBadRequest, "The number of shards must be at least 1")
	case given[lists.ShardID] && given[lists.ShardCount] && numbers[lists.ShardID] >= numbers[lists.ShardCount]:
		return c, refuse(http.StatusBadRequest, "The shard id must be below the number of shards")
	case given[lists.Shards]:
		return count{servers: numbers[lists.Shards]}, nil
	}
	return count{numbers[lists.ServerCount], numbers[lists.ShardID], given[lists.ShardID]}, nil
}

// value is what was sent for v, which must stand under all of its names.
func (f *fields) value(v lists.Value, found map[string]any) (any, bool, error) {
	var first any
	var given bool
	for i, name := range f.names[v] {
		x, ok := found[name]
		ok = ok && f.means(name, x, v)
		switch {
		case i == 0:
			first, given = x, ok
		case ok != given || ok && !reflect.DeepEqual(x, first):
			return nil, false, refuse(http.StatusBadRequest, "Fields %q and %q must be the same", f.names[v][0], name)
		}
	}
	if !given && f.required[v] && len(f.names[v]) > 0 {
		return nil, false, refuse(http.StatusBadRequest, "Field %q is missing", f.names[v][0])
	}
	return first, given, nil
}

// means reports whether x can be v: the count and the shards may share a name.
func (f *fields) means(name string, x any, v lists.Value) bool {
	_, isArray := x.([]any)
	switch v {
	case lists.ServerCount:
		return !isArray || !slices.Contains(f.names[lists.Shards], name)
	case lists.Shards:
		return isArray || !slices.Contains(f.names[lists.ServerCount], name)
	}
	return true
}

// sum adds up the shards.
func (f *fields) sum(raw any) (int64, error) {
	array, _ := raw.([]any)
	if len(array) == 0 {
		return 0, refuse(http.StatusBadRequest, "Shards must be an array that is not empty")
	}
	var total int64
	seen := map[int64]bool{}
	for _, item := range array {
		if f.shardObject != nil {
			object, _ := item.(map[string]any)
			id, ok := f.number(object[f.shardObject.ID])
			if !ok || seen[id] || len(object) != 2 {
				return 0, refuse(http.StatusBadRequest, "Each shard must be an object of its own %q and its %q%s", f.shardObject.ID, f.shardObject.Count, f.asString())
			}
			seen[id] = true
			item = object[f.shardObject.Count]
		}
		n, ok := f.number(item)
		if !ok {
			return 0, refuse(http.StatusBadRequest, "The count of each shard must be a whole number%s", f.asString())
		}
		total = add(total, n)
	}
	return total, nil
}

// add adds counts, up to the largest there is.
func add(a, b int64) int64 { return min(a+b, lists.MaxNumber) }

func (f *fields) asString() string {
	if f.text {
		return ", as a string"
	}
	return ""
}

// number is a whole number in the form in which the list takes numbers.
func (f *fields) number(raw any) (int64, bool) {
	text, ok := f.digits(raw)
	if !ok || len(text) > 1 && text[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n <= lists.MaxNumber
}

func (f *fields) digits(raw any) (string, bool) {
	text, ok := raw.(string)
	if !f.text {
		var n json.Number
		n, ok = raw.(json.Number)
		text = n.String()
	}
	return text, ok && text != "" && strings.Trim(text, "0123456789") == ""
}
