package httpapi

import (
	"github.com/labstack/echo/v4"

	"aggregator/agent"
	"aggregator/aggregate"
	"aggregator/lists"
)

// votes answers POST /api/bots/:id/votes/:user, with the tokens of the body. One
// that shows the bot's key needs no body.
func (s *Server) votes(c echo.Context) error {
	request, err := voteOf(c)
	if err != nil {
		return err
	}
	body := exchangeOf(c).body
	tokens, invalid := ParseTokens(body)
	if invalid != nil && len(body) > 0 {
		return invalid
	}
	bot, err := s.keyed(c, request.BotID)
	switch {
	case err != nil:
		return err
	case bot == nil && invalid != nil:
		return invalid
	}
	request.Tokens = tokens
	return s.vote(c, request, bot)
}

// ownVotes answers GET /api/bots/:id/votes/:user, for those who show the bot's key.
func (s *Server) ownVotes(c echo.Context) error {
	request, err := voteOf(c)
	if err != nil {
		return err
	}
	bot, err := s.requireKey(c, request.BotID)
	if err != nil {
		return err
	}
	return s.vote(c, request, bot)
}

// voteOf returns the vote that a path asks for. The error says which of its ids
// is none.
func voteOf(c echo.Context) (aggregate.VoteRequest, error) {
	r := aggregate.VoteRequest{BotID: pathID(c), UserID: pathParam(c, "user")}
	if !lists.IsSnowflake(r.BotID) {
		return r, invalid("'id' must be a snowflake")
	}
	exchangeOf(c).bot = r.BotID
	if !lists.IsSnowflake(r.UserID) {
		return r, invalid("'user' must be a snowflake")
	}
	return r, nil
}

// vote answers whether a user has voted. The bot is the operator's own whose key
// was shown; nil for all others.
func (s *Server) vote(c echo.Context, r aggregate.VoteRequest, bot *agent.Bot) error {
	if bot != nil {
		r.Tokens, _ = bot.WithTokens(s.Catalog.Current(), r.Tokens)
		r.Keyed = true
	}
	answer, err := s.Aggregator.Vote(c.Request().Context(), r, caller(c))
	if err != nil {
		return err
	}
	t := &totals{skipped: len(answer.Skipped)}
	for _, r := range answer.Results {
		t.add(r.OK)
	}
	exchangeOf(c).totals = t
	s.beginLimited(c, answer.Window)
	return EncodeVote(c.Response(), answer)
}
