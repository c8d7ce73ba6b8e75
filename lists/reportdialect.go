package lists

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// reportDialect is how a list takes reports of one kind, compiled.
type reportDialect struct {
	endpoint
	judging
	report  *Report
	part    string
	method  string
	body    bodyDialect
	bridge  bool    // the credential is the bridge key
	whole   int     // the place of the value that is the whole body, from 1; 0: none is
	takes   []bool  // by value
	most    []int64 // by value, how much of it the list takes; 0: as much as there is
	onlyIf  int     // the place of a flag that must be true, from 1; 0: none
	command *commandShape
	totals  totalsPaths
}

// reports compiles which reports a list takes.
func (c *checker) reports(l *List) {
	for i := range reportTable {
		r := &reportTable[i]
		spec := r.Entry(&l.Entry)
		if spec == nil {
			continue
		}
		d := c.reportDialect(r, spec, l)
		l.reports[i] = d
		switch {
		case d.bridge:
			l.bridging = cmp.Or(spec.Begins, l.bridging)
		case spec.Begins != "":
			c.add(r.Part+".begins", "says what bridge keys begin with, but credential is not %s", credentialBridge)
		}
		if spec.Counts {
			l.beat = c.beat(d, l)
		}
	}
	if l.reports[Invalidate.index()] == nil {
		return
	}
	for _, op := range Ops() { // a token that was made invalid is not shown again
		if e := l.endpoint(op); e != nil {
			e.revocable = e.keyed
		}
	}
}

// reportDialect compiles how reports of a kind are taken.
func (c *checker) reportDialect(r *Report, spec *ReportEntry, l *List) *reportDialect {
	part := r.Part
	d := &reportDialect{
		report: r, part: part, bridge: spec.Credential == credentialBridge,
		method: cmp.Or(spec.Method, r.defaultMethod()), takes: make([]bool, len(r.Values)), most: make([]int64, len(r.Values)),
		endpoint: endpoint{op: &r.Op, keyed: true},
	}
	d.endpoint.judge = d.judge
	d.body.encoding = d.encodingOf(spec)
	entry := d.endpointEntry(spec, l)
	asRead := r.reads && spec.URL == "" && l.read != nil && !r.named
	if d.keyed = !r.reads || entry.auth != nil; asRead {
		entry.url = l.read.rawURL
	}
	if _, ok := c.urlOf(&d.endpoint, entry); !ok {
		c.add(part+".url", "is required")
		return d
	}
	c.endpoint(&d.endpoint, entry)
	if asRead { // such a call is a reading, as the list sees it
		d.seenAs = &Readings
		d.limits, d.wait = append(slices.Clone(l.read.limits), d.limits...), append(d.wait, l.read.wait...)
	}
	c.reportBody(d, spec)
	d.judging = c.judging(part, spec.Answer, spec.Success, nil)
	d.totals = c.totals(part, r, spec.Read)
	d.namesBot = d.namesBot || d.body.takes[BotID]
	d.listBotID = d.listBotID || d.body.takes[ListBotID]
	if d.listBotID && !d.keyed {
		c.add(part+".url", "holds %s, which comes with a key; say under auth where the key goes", placeholderListBotID)
	}
	c.checkPer(part+".limits", &d.endpoint)
	return d
}

// encodingOf returns how the fields of a report are encoded.
func (d *reportDialect) encodingOf(spec *ReportEntry) string {
	if d.method == http.MethodGet || d.method == http.MethodDelete || len(d.report.Values) == 0 {
		return cmp.Or(spec.Body, encodingNone)
	}
	return cmp.Or(spec.Body, encodingJSON)
}

// endpointEntry returns what a part says of its endpoint.
func (d *reportDialect) endpointEntry(spec *ReportEntry, l *List) endpointEntry {
	entry := endpointEntry{
		part: d.part, url: spec.URL, auth: spec.Auth, headers: spec.Headers, limits: spec.Limits, wait: spec.Wait,
		placeholders: d.report.placeholders(),
	}
	if entry.auth == nil && !d.bridge {
		entry.auth = l.sharedAuth(d.report)
	}
	if e := d.body.encoding; e == encodingQuery || e == encodingNone {
		entry.bodiless = "body: " + e + " sends none"
	}
	return entry
}

// defaultMethod returns how reports of the kind are sent where an entry says nothing.
func (r *Report) defaultMethod() string {
	if r.reads {
		return http.MethodGet
	}
	return http.MethodPost
}

// placeholders returns what URLs and headers of the kind may hold.
func (r *Report) placeholders() []string {
	if r.named {
		return []string{placeholderName}
	}
	return botPlaceholders
}

// sharedAuth returns where the token goes where a part does not say: as under post,
// or as under get for what is only read; nil for nowhere else than in the plain
// dialect.
func (l *List) sharedAuth(r *Report) *AuthEntry {
	switch {
	case r.reads && l.Get != nil:
		return l.Get.Auth
	case !r.reads && l.Post != nil:
		return l.Post.Auth
	}
	return nil
}

// reportBody compiles what a report carries.
func (c *checker) reportBody(d *reportDialect, spec *ReportEntry) {
	part, r, encoding := d.part, d.report, d.body.encoding
	for _, name := range slices.Sorted(maps.Keys(spec.Fields)) {
		at := part + ".fields." + name
		l, ok := d.leafOf(name)
		if !ok {
			c.add(at, "is no value of this report; allowed: %s", strings.Join(r.fieldNames(), ", "))
			continue
		}
		for _, to := range spec.Fields[name] {
			c.put(&d.body, at, c.path(at, to), l)
		}
	}
	slices.SortStableFunc(d.body.shape, func(x, y member) int { return cmp.Compare(x.first(), y.first()) }) // as the table has them
	c.constants(part, &d.body, spec.Constants, d.auth)
	c.flat(part, &d.body)
	c.query(part, &d.endpoint, &d.body)
	c.wholeBody(d, spec)
	switch {
	case encoding == encodingNone && len(d.body.shape) > 0:
		c.add(part+".body", "is none, but there are fields to send")
	case encoding != encodingNone && len(d.body.shape) == 0 && d.whole == 0:
		c.add(part, "would send nothing; name a value under fields or whole, or say body: none")
	}
	c.most(d, spec)
	d.command = c.command(d, spec.Command)
}

// wholeBody compiles which value is the whole body.
func (c *checker) wholeBody(d *reportDialect, spec *ReportEntry) {
	if spec.Whole == "" {
		return
	}
	at := d.part + ".whole"
	d.whole = c.place(d, at, spec.Whole)
	if d.whole > 0 {
		d.takes[d.whole-1] = true
	}
	if len(d.body.shape) > 0 {
		c.add(at, "is the whole body, but there are fields, constants or a token beside it; leave them out")
	}
	if d.body.encoding != encodingJSON {
		c.add(at, "goes out as JSON, but body is %s", d.body.encoding)
	}
}

// most compiles how much of each value the list takes, and which flag must be true
// for the list to be told anything.
func (c *checker) most(d *reportDialect, spec *ReportEntry) {
	part := d.part
	for _, name := range slices.Sorted(maps.Keys(spec.Most)) {
		if i := c.place(d, part+".most."+name, name); i > 0 {
			if d.most[i-1] = spec.Most[name]; d.most[i-1] < 1 {
				c.add(part+".most."+name, "must be 1 or more, is %d", spec.Most[name])
			}
		}
	}
	if spec.OnlyIf != "" {
		d.onlyIf = c.place(d, part+".only_if", spec.OnlyIf)
		if d.onlyIf > 0 && d.report.Values[d.onlyIf-1].Kind != ValueFlag {
			c.add(part+".only_if", "must name a flag, %s is none", spec.OnlyIf)
		}
	}
}

// fieldNames returns what may stand under fields.
func (r *Report) fieldNames() []string {
	var names []string
	for _, v := range r.Values {
		names = append(names, v.Name)
	}
	return append(names, BotID.String(), ListBotID.String())
}

// leafOf returns what stands for a name under fields. ok is false for a name that
// is none.
func (d *reportDialect) leafOf(name string) (l leaf, ok bool) {
	for i, v := range d.report.Values {
		if v.Name == name {
			d.takes[i] = true
			return leaf{value: NumValues, reportValue: i + 1}, true
		}
	}
	for _, v := range []Value{BotID, ListBotID} {
		if v.String() == name {
			d.body.takes[v] = true
			return leaf{value: v}, true
		}
	}
	return leaf{}, false
}

// place returns the place of a value with a name, from 1. It adds a problem and
// returns 0 where there is none.
func (c *checker) place(d *reportDialect, field, name string) int {
	i := slices.IndexFunc(d.report.Values, func(v ReportValue) bool { return v.Name == name })
	if i < 0 {
		c.add(field, "must name a value of this report, is %q", name)
	}
	return i + 1
}

// first returns the smallest place of a report's value below a member.
func (m member) first() int {
	if m.nested == nil {
		return m.leaves[0].reportValue
	}
	least := m.nested[0].first()
	for _, n := range m.nested[1:] {
		least = min(least, n.first())
	}
	return least
}

// beat compiles how counts are posted by reports of a dialect.
func (c *checker) beat(d *reportDialect, l *List) *reportDialect {
	i := slices.IndexFunc(d.report.Values, func(v ReportValue) bool { return v.Name == ServerCount.String() })
	switch {
	case i < 0 || !d.takes[i]:
		c.add(d.part+".counts", "says that the report sets the count, but no field takes server_count")
	case l.post == nil && !l.Defunct:
		c.add(d.part+".counts", "says that counts may go this way, but the entry has no other way to post them")
	}
	way := *d
	way.op, way.seenAs = &Posts, d.op
	return &way
}
