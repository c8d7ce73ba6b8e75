package lists

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The words that explanations are made of.

// andAll joins what holds together: "a", "a and b", "a, b, and c".
func andAll(parts []string) string {
	switch n := len(parts); n {
	case 0, 1:
		return strings.Join(parts, "")
	case 2:
		return parts[0] + " and " + parts[1]
	default:
		return strings.Join(parts[:n-1], ", ") + ", and " + parts[n-1]
	}
}

// anyOf joins statuses of which each is enough.
func anyOf(statuses []int) string {
	texts := make([]string, len(statuses))
	for i, status := range statuses {
		texts[i] = strconv.Itoa(status)
	}
	n := len(texts)
	if n < 2 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:n-1], ", ") + " or " + texts[n-1]
}

// inWords returns a time of whole seconds in the largest unit that it is a whole
// number of: "a minute", "6 hours".
func inWords(d time.Duration) string {
	for _, u := range []struct {
		length    time.Duration
		one, many string
	}{{24 * time.Hour, "a day", "days"}, {time.Hour, "an hour", "hours"}, {time.Minute, "a minute", "minutes"}, {time.Second, "a second", "seconds"}} {
		switch n := d / u.length; {
		case d%u.length != 0 || n == 0:
		case n == 1:
			return u.one
		default:
			return fmt.Sprintf("%d %s", n, u.many)
		}
	}
	return d.String()
}

func upperFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}

func lowerFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[size:]
}
