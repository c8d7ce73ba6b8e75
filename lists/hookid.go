package lists

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"aggregator/rawjson"
)

// paths are the places in which a value may be.
type paths [][]string

func (c *checker) paths(field string, names Names) paths {
	var all paths
	for _, name := range names {
		all = append(all, c.path(field, name))
	}
	return all
}

// first returns the first value that is there, null aside; zero for none.
func (all paths) first(v rawjson.Value) rawjson.Value {
	for _, path := range all {
		if found := optional(follow(v, path)); !found.IsZero() {
			return found
		}
	}
	return rawjson.Value{}
}

// String returns the places as the format writes them.
func (all paths) String() string {
	names := make([]string, len(all))
	for i, path := range all {
		names[i] = strings.Join(path, ".")
	}
	return strings.Join(names, " or ")
}

// identifying is where a webhook says whose vote it is, for which bot, and
// which, compiled.
type identifying struct {
	user, bot, id       paths
	botHeader, idHeader string // in canonical form; "": none
}

func (c *checker) identifying(part string, e *WebhookForm) identifying {
	if len(e.User) == 0 {
		c.add(part+".user", "is required")
	}
	d := identifying{user: c.paths(part+".user", e.User), bot: c.paths(part+".bot", e.Bot), id: c.paths(part+".id", e.ID)}
	if e.BotHeader != "" {
		d.botHeader = c.headerName(part+".bot_header", e.BotHeader)
	}
	if e.IDHeader != "" {
		d.idHeader = c.headerName(part+".id_header", e.IDHeader)
	}
	return d
}

// maxID is how long an id may be, in bytes.
const maxID = 200

// read reads whose vote it is. The error is for one of another bot than botID,
// and for one of no user.
func (d *identifying) read(body rawjson.Value, h http.Header, p Proven, botID string, e *Event) error {
	e.UserID = scalar(d.user.first(body))
	switch {
	case e.UserID == "":
		return fmt.Errorf("'%s' must be the id of the user", d.user)
	case !e.Test && !IsSnowflake(e.UserID):
		return fmt.Errorf("'%s' must be a snowflake", d.user)
	}
	e.BotID = botID
	if bot := d.bot.first(body); !bot.IsZero() && scalar(bot) != botID {
		return fmt.Errorf("'%s' must be the bot of this address", d.bot)
	}
	if bot := h.Get(d.botHeader); d.botHeader != "" && bot != "" && bot != botID {
		return fmt.Errorf("header %s must be the bot of this address", d.botHeader)
	}
	if d.idHeader != "" {
		e.OtherID = h.Get(d.idHeader)
	}
	if id := scalar(d.id.first(body)); p.coversBody() {
		e.ID = id
	} else {
		e.OtherID = cmp.Or(id, e.OtherID)
	}
	for _, id := range []string{e.UserID, e.ID, e.OtherID} {
		if len(id) > maxID {
			return fmt.Errorf("an id must be at most %d bytes long", maxID)
		}
	}
	return nil
}

func (d *identifying) rules() []string {
	bot := d.bot.String()
	switch {
	case d.botHeader != "" && bot != "":
		bot += ", or header " + d.botHeader
	case d.botHeader != "":
		bot = "header " + d.botHeader
	case bot == "":
		bot = "that of the address"
	}
	rules := []string{"user: " + d.user.String(), "bot: " + bot}
	if len(d.id) > 0 {
		rules = append(rules, "vote id: "+d.id.String())
	}
	if d.idHeader != "" {
		rules = append(rules, "id, unproven: header "+d.idHeader)
	}
	return rules
}
