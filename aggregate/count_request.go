package aggregate

import "aggregator/lists"

// CountRequest is a count and the tokens of the lists it is for.
type CountRequest struct {
	lists.Count
	Tokens []NamedToken // in the order sent
	DryRun bool         // plan, and send nothing
	// Progress hears how the posts go on, unless none is made; nil: nobody does.
	Progress *CountProgress

	teller *teller[Result]
}

// NamedToken is a token as the caller named it.
type NamedToken struct {
	ID     string // a list's id, or a legacy id
	Token  lists.Token
	Bad    *lists.Skip // why it is none; nil when it is one
	Nested bool        // stood in "tokens", where keys at the top win over it
	Field  bool        // ID is a field's that holds something else than it may, and not a list's
}

// blank reports whether the token counts as not given.
func (t NamedToken) blank() bool { return t.Bad != nil && t.Bad.Reason == lists.SkipNoToken }
