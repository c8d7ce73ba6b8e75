package lists

import (
	"testing"
)

func TestIsSnowflake(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"1000000000000000":      true,
		"123456789012345678":    true,
		"99999999999999999999":  true,
		"":                      false,
		"100000000000000":       false,
		"100000000000000000000": false,
		"0123456789012345678":   false,
		"0000000000000000":      false,
		"12345678901234567x":    false,
		" 123456789012345678":   false,
		"+123456789012345678":   false,
		"-123456789012345678":   false,
		"１２３４５６７８９０１２３４５６":     false,
		"123456789012345678\n": false,
	} {
		if IsSnowflake(s) != want {
			t.Errorf("%q: %t", s, !want)
		}
	}
}
