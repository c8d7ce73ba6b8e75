package aggregate_test

import "testing"

// BenchmarkHolds is what the holds of one post cost: the look, the reservation
// and what is learned from the answer, with everything in memory.
func BenchmarkHolds(b *testing.B) {
	for _, list := range []string{"open.test", "token.test", "sixty.test"} {
		b.Run(list, func(b *testing.B) {
			d := newDesk(b, deskOptions{})
			call := d.postTo(b, list, "token")
			b.ReportAllocs()
			for b.Loop() {
				d.Advance(1e12)
				reserved, why := d.Holds.Reserve(b.Context(), call)
				if why != nil {
					b.Fatal(why)
				}
				d.Holds.Settle(b.Context(), reserved, ok)
			}
		})
	}
}
