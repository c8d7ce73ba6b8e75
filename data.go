// Package aggregator holds the files that are built into the binary: the catalog,
// the description of the API, and guides for people.
package aggregator

import "embed"

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

// Guides are what there is to read for people, in Markdown.
//
//go:embed README.md docs/libraries.md docs/own-bots.md docs/sharded-bots.md docs/votes.md
var Guides embed.FS
