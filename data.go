package aggregator

import (
	"embed"

	"aggregator/catalog"
)

// BuiltInLists returns the files of the built-in lists, in the order in which they
// are loaded.
func BuiltInLists() []catalog.File {
	return []catalog.File{
		{Name: "lists.yaml", Data: ListsYAML},
		{Name: "lists_defunct.yaml", Data: DefunctListsYAML},
	}
}

// BuiltInLegacyIDs returns the file of ids that the built-in lists once had.
func BuiltInLegacyIDs() catalog.File {
	return catalog.File{Name: "legacy_ids.yaml", Data: LegacyIDsYAML}
}

// ListsYAML is the shipped catalog of lists and features.
//
//go:embed lists.yaml
var ListsYAML []byte

// DefunctListsYAML holds the lists that are gone. It is loaded after ListsYAML.
//
//go:embed lists_defunct.yaml
var DefunctListsYAML []byte

// LegacyIDsYAML maps ids that lists once had to their ids of today.
//
//go:embed legacy_ids.yaml
var LegacyIDsYAML []byte

// OpenAPIYAML describes the API.
//
//go:embed openapi.yaml
var OpenAPIYAML []byte

// Guides are what there is to read for people, in Markdown, and the clients that
// they take from there.
//
//go:embed CONTRIBUTING.md docs/clients.md docs/compatibility.md docs/own-bots.md docs/sharded-bots.md docs/votes.md
//go:embed clients/aggregator.mjs clients/aggregator.py
var Guides embed.FS
