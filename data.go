package aggregator

import (
	"embed"

	"aggregator/catalog"
)

// BuiltInLists returns the files of the built-in lists, in the order in which they
// are loaded: those that live, then those that are gone. Their bytes must not be
// changed.
func BuiltInLists() []catalog.File {
	return []catalog.File{
		{Name: "lists.yaml", Data: listsYAML},
		{Name: "lists_defunct.yaml", Data: defunctListsYAML},
	}
}

// BuiltInLegacyIDs returns the file of ids that the built-in lists once had. Its
// bytes must not be changed.
func BuiltInLegacyIDs() catalog.File {
	return catalog.File{Name: "legacy_ids.yaml", Data: legacyIDsYAML}
}

// listsYAML is the built-in catalog of lists and features.
//
//go:embed lists.yaml
var listsYAML []byte

// defunctListsYAML holds the lists that are gone. It is loaded after listsYAML.
//
//go:embed lists_defunct.yaml
var defunctListsYAML []byte

// legacyIDsYAML maps ids that lists once had to their ids of today.
//
//go:embed legacy_ids.yaml
var legacyIDsYAML []byte

// OpenAPIYAML describes the API of the service, and of package httpapi.
//
//go:embed openapi.yaml
var OpenAPIYAML []byte

// Guides are the documents that the service shows as pages, in Markdown, and the
// clients that it hands out.
//
//go:embed CONTRIBUTING.md docs/clients.md docs/compatibility.md docs/own-bots.md docs/reports.md docs/sharded-bots.md docs/votes.md
//go:embed clients/aggregator.mjs clients/aggregator.py
var Guides embed.FS
