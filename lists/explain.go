package lists

import (
	"fmt"
	"strings"
)

// PostRules says in words how the list's answers to posts are judged, and what
// holds the next post back.
func (l *List) PostRules() []string {
	p := l.post
	if p == nil {
		return nil
	}
	success := "success: a 2xx status"
	switch p.answer {
	case answerJSON:
		success += " and JSON"
	case answerEmpty:
		success += " and an empty answer"
	case answerAny:
	default:
		success += " and no HTML page"
	}
	if p.success != nil {
		success += fmt.Sprintf(", with %s %t in it", strings.Join(p.success.path, "."), p.success.is)
	}
	rules := []string{success}
	for _, status := range p.revoked {
		rules = append(rules, fmt.Sprintf("revoked: status %d ends posting until the token changes", status))
	}
	return append(rules, limitRules(p.limits, p.wait)...)
}

func limitRules(limits []Limit, waits []wait) (rules []string) {
	for _, l := range limits {
		rules = append(rules, fmt.Sprintf("limit: %d in %s per %s", l.Requests, l.Interval, l.Per))
	}
	for _, w := range waits {
		where := "header " + w.header
		if w.path != nil {
			where = "field " + strings.Join(w.path, ".") + " of the answer"
		}
		unit := map[string]string{unitMS: "milliseconds", unitUnix: "Unix time", unitUnixMS: "Unix time in milliseconds"}[w.unit]
		if unit == "" {
			unit = "seconds, or a date"
		}
		rules = append(rules, fmt.Sprintf("wait: %s, in %s", where, unit))
	}
	return rules
}

// ReadRules says in words where each field of a bot is read.
func (l *List) ReadRules() []string {
	if l.get == nil {
		return nil
	}
	root := ""
	if l.Get != nil && l.Get.Root != "" {
		root = l.Get.Root + "."
	}
	if l.get.mapping == nil {
		return []string{"the common key names, under " + orTop(root)}
	}
	f := l.Get.Fields
	var rules []string
	for _, field := range []struct {
		name    string
		sources Sources
	}{
		{"username", f.Username}, {"discriminator", f.Discriminator}, {"owners", f.Owners}, {"server_count", f.ServerCount},
		{"invite", f.Invite}, {"prefix", f.Prefix}, {"website", f.Website}, {"github", f.Github}, {"support", f.Support}, {"library", f.Library},
	} {
		var paths []string
		for _, s := range field.sources {
			path := root + s.Path
			if s.URL != "" {
				path += " (as " + s.URL + ")"
			}
			paths = append(paths, path)
		}
		if paths != nil {
			rules = append(rules, field.name+": "+strings.Join(paths, ", "))
		}
	}
	return rules
}

// ReadLimits says in words what holds the next reading back.
func (l *List) ReadLimits() []string {
	if l.get == nil {
		return nil
	}
	return limitRules(l.get.limits, l.get.wait)
}

func orTop(root string) string {
	if root == "" {
		return "the top"
	}
	return strings.TrimSuffix(root, ".")
}
