package catalog

import (
	"bytes"
	"encoding/json"
	"slices"

	"aggregator/lists"
	"aggregator/rawjson"
)

// page is a list as the API page shows it.
type page struct {
	ID          string  `json:"id"`
	Added       int64   `json:"added"`
	Name        string  `json:"name"`
	URL         string  `json:"url"`
	Icon        *string `json:"icon"`
	Language    *string `json:"language"`
	Display     flag    `json:"display"`
	Defunct     flag    `json:"defunct"`
	DiscordOnly flag    `json:"discord_only"`
	Description *string `json:"description"`
	apiFields
	ViewBot   *string        `json:"view_bot"`
	BotWidget *string        `json:"bot_widget"`
	Content   *string        `json:"content"`
	Owners    *string        `json:"owners"`
	Discord   *string        `json:"discord"`
	Features  []valueFeature `json:"features"`
}

// apiFields are a list's api_* fields.
type apiFields struct {
	APIDocs       *string `json:"api_docs"`
	APIPost       *string `json:"api_post"`
	APIPostMethod *string `json:"api_post_method"`
	APIField      *string `json:"api_field"`
	APIShardID    *string `json:"api_shard_id"`
	APIShardCount *string `json:"api_shard_count"`
	APIShards     *string `json:"api_shards"`
	APIGet        *string `json:"api_get"`
	APIAll        *string `json:"api_all"`
}

// valueFeature is a feature, and whether a list has it.
type valueFeature struct {
	Name        string `json:"name"`
	ID          string `json:"id"`
	Display     int64  `json:"display"`
	Type        int64  `json:"type"`
	Description string `json:"description"`
	Value       flag   `json:"value"`
}

// flag is 1 or 0 in JSON.
type flag bool

// MarshalJSON implements json.Marshaler.
func (f flag) MarshalJSON() ([]byte, error) {
	if f {
		return []byte("1"), nil
	}
	return []byte("0"), nil
}

// orNull returns nil, null in JSON, for what is unknown.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// widgetOf returns the URL of a widget, null in JSON where it holds more than :id:
// that is all that clients replace.
func widgetOf(l *lists.List) *string {
	if w := l.Widget(); w != nil && w.NeedsListBotID() {
		return nil
	}
	return orNull(l.BotWidget)
}

func apiFieldsOf(e lists.Entry) apiFields {
	return apiFields{
		APIDocs: orNull(e.APIDocs), APIPost: orNull(e.APIPost), APIPostMethod: orNull(e.APIPostMethod),
		APIField: orNull(e.APIField), APIShardID: orNull(e.APIShardID), APIShardCount: orNull(e.APIShardCount),
		APIShards: orNull(e.APIShards), APIGet: orNull(e.APIGet), APIAll: orNull(e.APIAll),
	}
}

func (c *Catalog) pageOf(l *lists.List) page {
	return page{
		ID: l.ID, Added: l.Added, Name: l.Name, URL: l.URL, Icon: orNull(l.Icon), Language: orNull(l.Language),
		Display: flag(l.Display), Defunct: flag(l.Defunct), DiscordOnly: flag(l.DiscordOnly),
		Description: orNull(l.Description), apiFields: apiFieldsOf(l.Entry),
		ViewBot: orNull(l.ViewBot), BotWidget: widgetOf(l), Content: orNull(l.Content),
		Owners: orNull(l.Owners), Discord: orNull(l.Discord), Features: c.featuresOf(l),
	}
}

// featuresOf returns every feature, those that the list has first.
func (c *Catalog) featuresOf(l *lists.List) []valueFeature {
	all := make([]valueFeature, 0, len(c.features))
	for _, has := range []bool{true, false} {
		for _, f := range c.features {
			if slices.Contains(l.Features, f.ID) == has {
				all = append(all, valueFeature{f.Name, f.ID, f.Display, f.Type, f.Description, flag(has)})
			}
		}
	}
	return all
}

// ListsJSON returns all lists by id, those for Discord alone first.
func (c *Catalog) ListsJSON() []byte { return c.listsJSON }

// FilteredJSON returns the api_* fields of each list that is not defunct and has
// some, in the order of ListsJSON.
func (c *Catalog) FilteredJSON() []byte { return c.filteredJSON }

// ListJSON returns one list, found as by List. ok is false where there is none.
func (c *Catalog) ListJSON(id string) (list []byte, ok bool) {
	l, ok := c.List(id)
	if !ok {
		return nil, false
	}
	return c.listJSON[l.ID], true
}

// LegacyJSON returns the legacy ids and where each leads, sorted.
func (c *Catalog) LegacyJSON() []byte { return c.legacyJSON }

// encode writes all JSON once, for it is the same in every answer.
func (c *Catalog) encode() {
	all, filtered := []byte("{"), []byte("{")
	pages := make(map[string]span, len(c.lists)) // in all
	for _, discordOnly := range []bool{true, false} {
		for _, l := range c.lists {
			if l.DiscordOnly != discordOnly {
				continue
			}
			all = rawjson.AppendKey(all, l.ID)
			begin := len(all)
			all = append(all, marshal(c.pageOf(l))...)
			pages[l.ID] = span{begin, len(all)}
			if api := apiFieldsOf(l.Entry); !l.Defunct && api != (apiFields{}) {
				filtered = append(rawjson.AppendKey(filtered, l.ID), marshal(api)...)
			}
		}
	}
	c.listsJSON = bytes.Clone(append(all, '}')) // what has grown is larger
	c.filteredJSON, c.legacyJSON = append(filtered, '}'), marshal(c.legacy)
	c.listJSON = make(map[string][]byte, len(pages))
	for id, s := range pages { // no list is kept twice
		c.listJSON[id] = c.listsJSON[s.begin:s.end:s.end]
	}
}

// span is where something stands in a text.
type span struct{ begin, end int }

// marshal returns v as JSON that leaves <, > and & as they are.
func marshal(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // strings, integers and flags cannot fail
	}
	return bytes.Clone(bytes.TrimRight(b.Bytes(), "\n")) // the buffer is larger
}
