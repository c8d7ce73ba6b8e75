package httpapi

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"aggregator/agent"
	"aggregator/aggregate"
	"aggregator/lists"
)

// reportRoutes are the routes of reports, one for each kind. Where the path names
// no bot, the body does.
var reportRoutes = []struct {
	method, path string
	kind         *lists.Report
}{
	{http.MethodPut, commandsPath, lists.Commands},
	{http.MethodPost, "/api/heartbeat", lists.Heartbeat},
	{http.MethodPost, "/api/errors", lists.Errors},
	{http.MethodPatch, "/api/bots/:id", lists.Edit},
	{http.MethodPost, "/api/announcements", lists.Announcement},
	{http.MethodPost, "/api/analytics", lists.Analytics},
	{http.MethodPost, "/api/bots/:id/invalidate", lists.Invalidate},
	{http.MethodPost, "/api/bots/:id/votes/total", lists.VoteTotals},
	{http.MethodPost, "/api/developers/:name", lists.Developer},
}

const commandsPath = "/api/bots/:id/commands"

// commandsBody bounds the body of an upload of commands, most of which is passed
// on as it is.
var commandsBody = bodyLimit{bytes: 1 << 20, cost: 6}

// report returns what answers reports of a kind.
func (s *Server) report(kind *lists.Report) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := exchangeOf(c)
		request, err := reportOf(c, kind)
		if err != nil {
			return err
		}
		bot, err := s.reporting(c, &request)
		if err != nil {
			return err
		}
		if bot != nil {
			s.addTokens(&request, bot)
		}
		answer, err := s.Aggregator.Report(c.Request().Context(), request, caller(c))
		if err != nil {
			return err
		}
		x.totals = &totals{skipped: len(answer.Skipped)}
		for _, r := range answer.Results {
			x.totals.add(r.OK)
		}
		s.beginLimited(c, answer.Window)
		return EncodeReport(c.Response(), answer)
	}
}

// reportOf returns the report that a request sends. Where it has no body, its Values
// are nil.
func reportOf(c echo.Context, kind *lists.Report) (request aggregate.ReportRequest, err error) {
	x := exchangeOf(c)
	var id, name string
	switch {
	case kind.Named():
		if name = pathParam(c, "name"); !lists.IsDeveloper(name) {
			return request, errBadName
		}
	case c.Param("id") != "":
		if id = pathID(c); !lists.IsSnowflake(id) {
			return request, invalid("'id' must be a snowflake")
		}
	}
	if len(x.body) == 0 && len(kind.Values) == 0 && id != "" {
		request = aggregate.ReportRequest{Report: kind, BotID: id}
	} else {
		request, err = ParseReport(kind, id, x.body)
	}
	request.Name, request.DryRun = name, isDryRun(c.Request().URL.RawQuery)
	x.bot = request.BotID
	return request, err
}

// reporting returns the operator's own bot that a report is of, if it shows that
// bot's key, and nil otherwise. Only such a bot needs no body.
func (s *Server) reporting(c echo.Context, request *aggregate.ReportRequest) (bot *agent.Bot, err error) {
	if !request.Report.Named() {
		bot, err = s.keyed(c, request.BotID)
	}
	if err == nil && bot == nil && request.Values == nil {
		err = errNoObject
	}
	return bot, err
}

// addTokens adds the tokens of an own bot to a report: of all its lists, or of those
// alone that the report names where it costs the token.
func (s *Server) addTokens(request *aggregate.ReportRequest, bot *agent.Bot) {
	c, named := s.Catalog.Current(), request.Tokens
	all, _ := bot.WithTokens(c, named)
	request.Tokens = named
	byName := map[*lists.List]bool{}
	for _, t := range named {
		if l, ok := c.Resolve(t.ID); ok {
			byName[l] = true
		}
	}
	for _, t := range all[len(named):] {
		if l, ok := c.Resolve(t.ID); !request.Report.Revokes() || ok && byName[l] {
			request.Tokens = append(request.Tokens, t)
		}
	}
}
