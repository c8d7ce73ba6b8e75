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
