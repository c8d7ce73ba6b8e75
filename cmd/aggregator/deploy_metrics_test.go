package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aggregator/internal/testkit"
	"aggregator/lists"
)

// series are metrics by name, each with the labels that its samples have.
type series map[string]map[string]bool

func (s series) add(name string, labels ...string) {
	if s[name] == nil {
		s[name] = map[string]bool{}
	}
	for _, l := range labels {
		s[name][l] = true
	}
}

var (
	sample      = regexp.MustCompile(`(?m)^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+$`)
	sampleLabel = regexp.MustCompile(`(\w+)="(?:[^"\\]|\\.)*"`)
)

// scrape returns what a running service has at /metrics, as Prometheus keeps it.
func (s *running) scrape(t *testing.T) series {
	t.Helper()
	all := series{"up": {"job": true, "instance": true}}
	for _, m := range sample.FindAllStringSubmatch(testkit.Send(t, "GET", s.Base+"/metrics", "").Body, -1) {
		all.add(m[1], "job", "instance")
		for _, l := range sampleLabel.FindAllStringSubmatch(m[2], -1) {
			all.add(m[1], l[1])
		}
	}
	return all
}

// exposed returns every metric that a service exposes once something has happened
// to it: requests, a list that does not answer, a vote that was passed on.
func exposed(t *testing.T) series {
	t.Helper()
	r := newRig(t)
	s := r.boot(t, append(r.votingFlags(t), "--metrics", "main")...)
	s.read(t, newBot())
	openBreaker(t, r, s, "one.test")
	s.tell(t, ownBot, voteBody("v")).Want(t, 200)
	var all series
	testkit.Eventually(t, func() error {
		all = s.scrape(t)
		for _, name := range []string{"aggregator_vote_deliveries_total", "aggregator_circuit_state", "aggregator_list_uptime_ratio"} {
			if all[name] == nil {
				return fmt.Errorf("no %s", name)
			}
		}
		return nil
	})
	return all
}

// selector is a metric in a PromQL expression, with the labels it is chosen by.
type selector struct {
	name     string
	matchers []matcher
}

type matcher struct{ label, operator, value string }

// query is what a PromQL expression names.
type query struct {
	selectors []selector
	grouped   []string // labels of by, without, on and the like
}

var (
	promToken   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[a-zA-Z_:][\w:]*|[0-9.]+[a-z]*|=~|!~|!=|\S`)
	promGroups  = []string{"by", "without", "on", "ignoring", "group_left", "group_right"}
	promWords   = []string{"and", "or", "unless", "bool", "offset"}
	promNaming  = regexp.MustCompile(`^[a-zA-Z_:][\w:]*$`)
	placeholder = regexp.MustCompile(`\{\{ *(?:\$labels\.)?([a-z_]+) *\}\}`)
)

// parsePromQL returns what an expression names. It takes the form of the
// expression on trust: promtool checks that, where it is there.
func parsePromQL(expr string) (q query) {
	tokens := promToken.FindAllString(expr, -1)
	at := func(i int) string {
		if i < len(tokens) {
			return tokens[i]
		}
		return ""
	}
	for i := 0; i < len(tokens); i++ {
		word, next := tokens[i], at(i+1)
		switch {
		case !promNaming.MatchString(word) || slices.Contains(promWords, word):
		case slices.Contains(promGroups, word):
			for i += 2; i < len(tokens) && tokens[i] != ")"; i++ {
				if tokens[i] != "," {
					q.grouped = append(q.grouped, tokens[i])
				}
			}
		case next == "(" || slices.Contains(promGroups, next): // a function
		case next != "{":
			q.selectors = append(q.selectors, selector{name: word})
		default:
			s := selector{name: word}
			for i += 2; i < len(tokens) && tokens[i] != "}"; i++ {
				if tokens[i] != "," {
					s.matchers = append(s.matchers, matcher{tokens[i], at(i + 1), strings.Trim(at(i+2), `"`)})
					i += 2
				}
			}
			q.selectors = append(q.selectors, s)
		}
	}
	return q
}

func TestParsePromQL(t *testing.T) {
	t.Parallel()
	got := parsePromQL(`histogram_quantile(0.5, sum by (le, route) (rate(a_bucket{status=~"4..|5..", job!="$job"}[$__rate_interval]))) / on (x) c:d > 1e3 or vector(0)`)
	want := query{
		selectors: []selector{{"a_bucket", []matcher{{"status", "=~", "4..|5.."}, {"job", "!=", "$job"}}}, {"c:d", nil}},
		grouped:   []string{"le", "route", "x"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// labels returns the labels that the result of a query may have.
func (q query) labels(of series) map[string]bool {
	all := map[string]bool{}
	for _, l := range q.grouped {
		all[l] = true
	}
	if len(q.grouped) > 0 {
		return all
	}
	for _, s := range q.selectors {
		maps.Copy(all, of[s.name])
	}
	return all
}

// outcomes are the values of the label outcome.
var outcomes = []string{
	"ok", "refused_2xx", "3xx", "4xx", "429", "5xx", string(lists.SkipPaced), string(lists.SkipRevoked), string(lists.SkipRefused),
	string(lists.FaultTimeout), string(lists.FaultCanceled), string(lists.FaultBusy), string(lists.FaultMemory), string(lists.FaultCircuit),
}

// holdsFor reports what is wrong with an expression and the texts made of its
// result, beside the metrics that there are.
func (s series) holdsFor(t *testing.T, where, expr string, texts ...string) {
	t.Helper()
	q := parsePromQL(expr)
	if len(q.selectors) == 0 {
		t.Errorf("%s names no metric: %s", where, expr)
	}
	some := map[string]bool{}
	for _, sel := range q.selectors {
		labels, ok := s[sel.name]
		if !ok {
			t.Errorf("%s: the service exposes no %s: %s", where, sel.name, expr)
			continue
		}
		maps.Copy(some, labels)
		for _, m := range sel.matchers {
			if !labels[m.label] {
				t.Errorf("%s: %s has no label %s: %s", where, sel.name, m.label, expr)
			}
			if m.label != "outcome" {
				continue
			}
			for value := range strings.SplitSeq(m.value, "|") {
				if !slices.Contains(outcomes, value) {
					t.Errorf("%s: no call becomes %q: %s", where, value, expr)
				}
			}
		}
	}
	for _, l := range q.grouped {
		if !some[l] {
			t.Errorf("%s: no metric of it has the label %s: %s", where, l, expr)
		}
	}
	for _, text := range texts {
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			if !q.labels(s)[m[1]] {
				t.Errorf("%s: %q names %s, which the result of %s has not", where, text, m[1], expr)
			}
		}
	}
}

// promRules is a file of Prometheus rules.
type promRules struct {
	Groups []struct {
		Name  string
		Rules []struct {
			Record, Alert, Expr, For string
			Labels, Annotations      map[string]string
		}
	}
}

// TestMetricsOfDeploy holds the rules and the dashboard against what a service
// exposes.
func TestMetricsOfDeploy(t *testing.T) {
	t.Parallel()
	known := exposed(t)
	var rules promRules
	readYAML(t, "prometheus/rules.yaml", &rules)
	alerts := 0
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if r.Record == "" {
				continue
			}
			known.holdsFor(t, r.Record, r.Expr)
			known.add(r.Record, slices.Collect(maps.Keys(parsePromQL(r.Expr).labels(known)))...)
		}
		for _, r := range g.Rules {
			if r.Alert == "" {
				continue
			}
			alerts++
			known.holdsFor(t, r.Alert, r.Expr, r.Annotations["summary"], r.Annotations["description"])
			if severity := r.Labels["severity"]; severity != "page" && severity != "ticket" {
				t.Errorf("%s: severity %q, want page or ticket", r.Alert, severity)
			}
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s: what it means, and what to do, is missing", r.Alert)
			}
		}
	}
	if alerts < 10 {
		t.Errorf("%d alerts were found, want all of them", alerts)
	}
	for _, p := range readDashboard(t).Panels {
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 || p.Description == "" {
			t.Errorf("the panel %q has %d queries and the description %q", p.Title, len(p.Targets), p.Description)
		}
		for _, target := range p.Targets {
			known.holdsFor(t, p.Title, target.Expr, target.LegendFormat)
		}
	}
}

// dashboard is what of a Grafana dashboard is looked at.
type dashboard struct {
	UID, Title string
	Panels     []struct {
		ID                       int
		Type, Title, Description string
		GridPos                  struct{ X, Y, W, H int }
		Targets                  []struct{ Expr, LegendFormat string }
	}
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
	Annotations struct {
		List []struct{ Expr, TitleFormat string }
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	if err := json.Unmarshal([]byte(readDeploy(t, "grafana.json")), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

var grafanaVariable = regexp.MustCompile(`\$\{?(\w+)`)

// TestDashboard checks the layout and the variables of the dashboard.
func TestDashboard(t *testing.T) {
	t.Parallel()
	d := readDashboard(t)
	variables := map[string]bool{"__rate_interval": true, "__all": true}
	for _, v := range d.Templating.List {
		variables[v.Name] = true
		if v.Type == "query" && !regexp.MustCompile(`^label_values\(aggregator_\w+, `+v.Name+`\)$`).MatchString(v.Definition) {
			t.Errorf("the variable %s is asked as %s", v.Name, v.Definition)
		}
	}
	for _, m := range grafanaVariable.FindAllStringSubmatch(readDeploy(t, "grafana.json"), -1) {
		if !variables[m[1]] {
			t.Errorf("there is no variable $%s", m[1])
		}
	}
	ids, taken := map[int]string{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if other, twice := ids[p.ID]; twice {
			t.Errorf("%q and %q have the id %d", other, p.Title, p.ID)
		}
		ids[p.ID] = p.Title
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, twice := taken[[2]int{x, y}]; twice || x >= 24 {
					t.Fatalf("%q lies over %q, or over the edge", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

// TestPromtool has Prometheus's own tool check its files, and the expressions of
// the dashboard.
func TestPromtool(t *testing.T) {
	t.Parallel()
	tool := lookFor(t, "promtool", "prometheus")
	var exprs strings.Builder
	exprs.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	n := 0
	d := readDashboard(t)
	add := func(expr string) {
		n++
		fmt.Fprintf(&exprs, "      - {record: \"panel:%d\", expr: %s}\n", n, quoted(strings.ReplaceAll(expr, "$__rate_interval", "5m")))
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			add(target.Expr)
		}
	}
	for _, a := range d.Annotations.List {
		add(a.Expr)
	}
	for _, args := range [][]string{
		{"check", "config", "prometheus.yaml"},
		{"test", "rules", "rules_test.yaml"},
		{"check", "rules", write(t, "dashboard.yaml", exprs.String())},
	} {
		cmd := exec.CommandContext(t.Context(), tool, args...)
		cmd.Dir = deployFolder + "/prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
