package catalog

import "strings"

// Bounds on a guess: what is longer is no slip of the finger, and what
// differs more is another word.
const (
	maxGuessed  = 64
	maxDistance = 2
)

// nearest is the candidate that word is most likely a misspelling of, the
// first of equals; "" if none is near. Case does not count.
func nearest(word string, candidates []string) string {
	if word == "" || len(word) > maxGuessed {
		return ""
	}
	word = strings.ToLower(word)
	best, limit := "", min(maxDistance, (len(word)+1)/3)
	for _, c := range candidates {
		// Only a strictly nearer one replaces the best so far.
		if d := distance(word, strings.ToLower(c), limit); d <= limit {
			best, limit = c, d-1
		}
	}
	return best
}

// distance counts the letters to insert, drop, replace or swap with their
// neighbour to get from a to b; above limit it only says so.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		least := row[0]
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
			least = min(least, row[j+1])
		}
		if least > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// didYouMean is the end of a message about an unknown word.
func didYouMean(word string, candidates []string) string {
	if near := nearest(word, candidates); near != "" {
		return ", did you mean " + quote(near) + "?"
	}
	return ""
}
