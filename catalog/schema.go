package catalog

import (
	"encoding/json"
	"fmt"
	"reflect"

	"aggregator/lists"
	"aggregator/strictyaml"
)

// Schema returns a JSON Schema of a lists file, for editors.
func Schema() []byte {
	root := newLoader().SchemaOf(reflect.TypeFor[document[Feature, lists.Entry]]())
	root["title"] = "Catalog of bot lists"
	properties := root["properties"].(strictyaml.Schema)
	properties["features"].(strictyaml.Schema)["propertyNames"] = idSchema()
	listIDs := idSchema()
	listIDs["not"] = strictyaml.Schema{"enum": reservedIDs}
	properties["lists"].(strictyaml.Schema)["propertyNames"] = listIDs
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps, slices and strings cannot fail
	}
	return append(b, '\n')
}

func idSchema() strictyaml.Schema {
	return strictyaml.Schema{"pattern": `^[!-.0-\[\]-~]+$`, "maxLength": maxID}
}

// formatHead begins the page about the format of lists files.
const formatHead = `# The format of lists files

"aggregator schema --markdown" prints this page from the format itself, as "aggregator schema" prints a JSON Schema for
editors. Most lists need no more than the keys in the first example of [CONTRIBUTING.md](../CONTRIBUTING.md). An unknown key, a key
twice and a wrong type are refused, with file and line; null is as good as an absent key.

## Paths

Where a key takes a path into an answer of the list, it is made of names joined by dots, and of what may follow a name. In

` + "```json held-by=TestPathsOnFormatPage" + `
{
  "bot": {"name": "MyBot", "stats": {"guilds": [1200, 1234]}},
  "owners": [{"id": "1", "role": "dev"}, {"id": "2", "role": "Lead"}],
  "votes": {"100000000000000001": 1795600000, "100000000000000002": 1795603600}
}
` + "```" + `

| path | leads to | for |
|---|---|---|
| ` + "`bot.name`" + ` | ` + "`\"MyBot\"`" + ` | a member of an object in an object |
| ` + "`bot.stats.guilds[]`" + ` | ` + "`1200` `1234`" + ` | every item of an array |
| ` + "`bot.stats.guilds[-1]`" + ` | ` + "`1234`" + ` | its last item |
| ` + "`owners[].id`" + ` | ` + "`\"1\"` `\"2\"`" + ` | a member of every item |
| ` + "`owners[role=lead].id`" + ` | ` + "`\"2\"`" + ` | of the first item with that member, whatever its capitals |
| ` + "`votes{}`" + ` | ` + "`\"100000000000000001\"` `\"100000000000000002\"`" + ` | the names of the members themselves |
| ` + "`bot.votes`" + ` | nothing | what is not there is no fault |

Where one value is wanted and a path leads to several, the first that is of use is taken. The names that go out in a post
(` + "`post.fields`" + `) are simpler: dots alone, which nest.

`

// formatReports begins what the page says of reports.
const formatReports = `## Reports

What a list takes from a bot beside counts, or tells it beside votes, is a part of its entry for each kind of report, with the keys of
[` + "`lists.NAME.commands`" + `](#listsnamecommands). Such a part says where reports go, and under ` + "`fields`" + ` under which name which value of
the table goes out; ` + "`bot_id`" + ` and ` + "`list_bot_id`" + ` may stand there too. What is not named does not go out, and a report that has
nothing for the list is not sent. A token goes where that of ` + "`post`" + ` goes (of ` + "`get`" + `, where the report only reads), unless the part has an
` + "`auth`" + ` of its own.

` + "```yaml held-by=TestReportsOnFormatPage" + `
lists:
  list.example:
    name: "List"
    url: "https://list.example/"
    post:
      url: "https://list.example/api/bots/:id"
      fields: {server_count: servers}
    commands:
      url: "https://list.example/api/bots/:id/commands"
      method: PUT
      whole: commands                     # Discord's array is the whole body
      most: {commands: 200}               # with more, nothing is sent
    heartbeat:
      url: "https://list.example/api/bridge/heartbeat"
      credential: bridge_key              # a second key, beside the token
      auth: {prefix: "Bridge "}
      fields: {online: up, ping_ms: "stats.ping", server_count: servers}
      counts: true                        # it sets the count too
    vote_totals:
      url: "https://list.example/api/bots/:id"
      read: {total: "data.votes"}
` + "```" + `

| part | to | values |
|---|---|---|
`

// FormatPage returns the page about the format of lists files, in Markdown.
func FormatPage() []byte {
	page := []byte(formatHead + formatReports)
	for _, kind := range lists.Reports() {
		values := "none"
		for i, v := range kind.Values {
			if values += ", `" + v.Name + "`"; i == 0 {
				values = "`" + v.Name + "`"
			}
		}
		page = fmt.Appendf(page, "| `%s` | %s | %s |\n", kind.Part, kind.Does, values)
	}
	return append(append(page, '\n'), strictyaml.PageOf(reflect.TypeFor[document[Feature, lists.Entry]]())...)
}
