package catalog

import (
	"encoding/json"
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

// FormatPage returns the page about the format of lists files, in Markdown.
func FormatPage() []byte {
	return append([]byte(formatHead), strictyaml.PageOf(reflect.TypeFor[document[Feature, lists.Entry]]())...)
}
