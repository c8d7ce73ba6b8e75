package lists

import (
	"strconv"

	"aggregator/rawjson"
)

// ReportSubject is what a report is about: a bot, or a developer where the kind is
// Named.
type ReportSubject struct {
	BotID string // the bot's snowflake
	Name  string // the developer's, see IsDeveloper
}

// reportPlan is a report to be sent.
type reportPlan struct {
	*reportDialect
	values    valueSet
	userAgent string
}

// PlanReport plans how a report is sent to the list, with the credential that the
// list takes for it. It returns a Skip where the list cannot be asked, and nil
// otherwise.
func (l *List) PlanReport(r *Report, of ReportSubject, values ReportValues, t Token, userAgent string) (Call, *Skip) {
	d := l.reports[r.index()]
	switch {
	case l.Defunct:
		return Call{}, &Skip{Reason: SkipDefunct}
	case d == nil:
		return Call{}, &Skip{Reason: SkipNoReport, Detail: r.Op.Name}
	}
	t, skip := l.credential(d, t)
	if skip != nil {
		return Call{}, skip
	}
	return l.planReport(d, of, values, t, userAgent)
}

// credential returns the credential that goes out with a report; the zero Token
// where it needs none.
func (l *List) credential(d *reportDialect, t Token) (Token, *Skip) {
	if !d.keyed {
		return Token{}, nil
	}
	t = t.split(l.bridging)
	if d.bridge {
		if t = t.bridge(); t.IsZero() {
			return t, &Skip{Reason: SkipNoToken, Detail: "bridge key"}
		}
	}
	if t.IsZero() {
		return t, &Skip{Reason: SkipNoToken}
	}
	if d.listBotID {
		return l.withListBotID(t)
	}
	return t, nil
}

func (l *List) planReport(d *reportDialect, of ReportSubject, values ReportValues, t Token, userAgent string) (Call, *Skip) {
	p := &reportPlan{reportDialect: d, userAgent: userAgent}
	p.values.ids = ids{botID: of.BotID, listBotID: t.listBotID, name: of.Name}
	p.values.given[BotID], p.values.given[ListBotID] = of.BotID != "", t.listBotID != ""
	if skip := p.fill(values); skip != nil {
		return Call{}, skip
	}
	return Call{List: l, endpoint: &d.endpoint, botID: of.BotID, token: t, plan: p}, nil
}

// OnlineValues returns the values of a report that says that a bot is online, and what
// its count is; c is nil where that is not known. The report is of the whole bot: the id
// of a shard is of no account.
func (r *Report) OnlineValues(c *Count) ReportValues {
	values := make(ReportValues, len(r.Values))
	for i, v := range r.Values {
		switch {
		case v.Name == "online":
			values[i], _ = rawjson.Parse([]byte("true"))
		case c == nil:
		case v.Name == ServerCount.String():
			values[i], _ = rawjson.Parse(rawjson.AppendInt(nil, c.ServerCount))
		case v.Name == ShardCount.String():
			if n := c.ShardCount; n != nil && *n > 0 {
				values[i], _ = rawjson.Parse(rawjson.AppendInt(nil, *n))
			}
		}
	}
	return values
}

// planBeat plans the post of a count by a report that sets it.
func (l *List) planBeat(c Count, t Token, userAgent string) (Call, *Skip) {
	d := l.beat
	t, skip := l.credential(d, t)
	if skip != nil {
		return Call{}, skip
	}
	return l.planReport(d, ReportSubject{BotID: c.BotID}, d.report.OnlineValues(&c), t, userAgent)
}

// fill takes what the list takes of a report. It returns a Skip where nothing is
// left to say, or too much, and nil otherwise.
func (p *reportPlan) fill(values ReportValues) *Skip {
	if i := p.onlyIf; i > 0 {
		if is, _ := values[i-1].Bool(); !is {
			return &Skip{Reason: SkipNothing, Detail: p.report.Values[i-1].Name + ": true"}
		}
	}
	p.values.reportValues = make([][]byte, len(values))
	some, names := false, []string(nil)
	for i, v := range values {
		if !p.takes[i] {
			continue
		}
		names = append(names, p.report.Values[i].Name)
		if v.IsZero() {
			continue
		}
		some = true
		var skip *Skip
		if p.values.reportValues[i], skip = p.value(i, v); skip != nil {
			return skip
		}
	}
	if !some && len(names) > 0 {
		return &Skip{Reason: SkipNothing, Detail: andAll(names)}
	}
	return nil
}

// value returns a value as the list takes it.
func (p *reportPlan) value(i int, v rawjson.Value) ([]byte, *Skip) {
	most := p.most[i]
	switch v.Kind() {
	case rawjson.String:
		if text, _ := v.Text(); most > 0 {
			if cut := cutUTF16(text, most); len(cut) < len(text) {
				return rawjson.AppendString(nil, cut), nil
			}
		}
	case rawjson.Array:
		if most > 0 && int64(v.Len()) > most {
			return nil, &Skip{Reason: SkipTooMany, Detail: strconv.FormatInt(most, 10)}
		}
		if p.command != nil && p.report.Values[i].Kind == ValueCommands {
			return p.command.appendAll(make([]byte, 0, len(v.Raw())/2), v), nil
		}
	}
	return v.Raw(), nil
}

// cutUTF16 returns the beginning of a text that has at most n units of UTF-16,
// which is what most lists count as characters.
func cutUTF16(s string, n int64) string {
	for i, r := range s {
		if n--; r > 0xffff {
			n--
		}
		if n < 0 {
			return s[:i]
		}
	}
	return s
}

// size returns about how many bytes the report sends, beyond those it shares with
// whoever sent it.
func (p *reportPlan) size() int {
	n := 0
	for _, v := range p.values.reportValues {
		n += len(v)
	}
	if n <= maxKept || p.whole > 0 && p.command == nil {
		return 0
	}
	return n
}

func (p *reportPlan) encode(token string) []byte {
	switch {
	case p.body.encoding == encodingNone:
		return nil
	case p.whole > 0:
		return p.values.reportValues[p.whole-1]
	}
	return p.body.encode(&p.values, p.auth.value(token))
}

func (p *reportPlan) request(token string) Request {
	r := Request{Method: p.method, URL: p.url.forBot(&p.values.ids), Header: make([]Header, 0, 4)}
	p.body.apply(&r, p.encode(token))
	p.auth.apply(&r, token)
	r.Header = appendHeaders(r.Header, p.headers, &p.values.ids, p.userAgent)
	return r
}

func (p *reportPlan) sent(mask string) string { return string(p.encode(mask)) }

func (*reportPlan) second() (*endpoint, plan) { return nil, nil }
