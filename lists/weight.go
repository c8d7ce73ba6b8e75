package lists

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"aggregator/rawjson"
)

// weighing says how many votes a vote counts for that a webhook tells of,
// compiled.
type weighing struct {
	weight, weekend paths
	ofKind          map[string]int64 // by kind, in small letters
	ofWeekend       int64            // 0: the list says nothing of it
}

// maxWeight bounds how many votes one vote counts for.
const maxWeight = 1000

func (c *checker) weighing(part string, e *WebhookForm, k *kinds) weighing {
	w := weighing{
		weight: c.paths(part+".weight", e.Weight), weekend: c.paths(part+".weekend", e.Weekend),
		ofKind: map[string]int64{}, ofWeekend: e.WeekendWeight,
	}
	bounded := func(field string, n int64) {
		if n < 1 || n > maxWeight {
			c.add(field, "must be 1 to %d, is %d", maxWeight, n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Weights)) {
		at, kind := part+".weights."+name, strings.ToLower(name)
		bounded(at, e.Weights[name])
		if k == nil || !slices.Contains(slices.Concat(k.votes, k.tests), kind) {
			c.add(at, "is the weight of a kind that neither kind.votes nor kind.tests names")
		}
		w.ofKind[kind] = e.Weights[name]
	}
	if e.WeekendWeight != 0 {
		bounded(part+".weekend_weight", e.WeekendWeight)
		if len(e.Weekend) == 0 {
			c.add(part+".weekend_weight", "needs weekend, which says whether it is one")
		}
	}
	return w
}

// read reads how many votes a vote of a kind counts for: what the list says, or
// else what its kind or the weekend make of it. What cannot be read is as good
// as absent: it is no reason to lose a vote.
func (w *weighing) read(body rawjson.Value, kind string, e *Event) {
	if is, ok := flagOf(w.weekend.first(body)); ok {
		e.Weekend = &is
	}
	told, err := strconv.ParseFloat(scalar(w.weight.first(body)), 64)
	switch ofKind := w.ofKind[kind]; {
	case err == nil && told >= 1 && told <= maxWeight:
		e.Weight = int64(told)
	case ofKind > 0:
		e.Weight = ofKind
	case w.ofWeekend > 0 && e.Weekend != nil && *e.Weekend:
		e.Weight = w.ofWeekend
	}
}

func (w *weighing) rules() (rules []string) {
	if len(w.weight) > 0 {
		rules = append(rules, "weight: "+w.weight.String())
	}
	for _, kind := range slices.Sorted(maps.Keys(w.ofKind)) {
		rules = append(rules, "weight: "+strconv.FormatInt(w.ofKind[kind], 10)+" of "+kind)
	}
	if len(w.weekend) > 0 {
		rule := "weekend: " + w.weekend.String()
		if w.ofWeekend > 0 {
			rule += ", a vote then counts for " + strconv.FormatInt(w.ofWeekend, 10)
		}
		rules = append(rules, rule)
	}
	return rules
}
