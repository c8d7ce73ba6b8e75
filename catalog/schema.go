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
editors. Most lists need no more than the keys in the README's example. An unknown key, a key twice and a wrong type are
refused, with file and line; null is as good as an absent key.

`

// FormatPage returns the page about the format of lists files, in Markdown.
func FormatPage() []byte {
	return append([]byte(formatHead), strictyaml.PageOf(reflect.TypeFor[document[Feature, lists.Entry]]())...)
}
