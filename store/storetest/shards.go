package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aggregator/internal/testkit"
	"aggregator/store"
)

// ShardBounds are those of the stores that the suite of [Shards] runs on.
var ShardBounds = store.ShardBounds{NetworkSets: 4, NetworkCounts: 20, Sets: 6, Counts: 30}

// shardSuite is the shards of one empty store, with its clock.
type shardSuite struct {
	*testing.T
	*testkit.Clock
	store.Shards
	store store.Store
}

// Shards runs the suite of [store.Shards]. open returns an empty store that has
// ShardBounds and reads the clock it is given, and closes it when the test ends.
func Shards(t *testing.T, open func(t *testing.T, clock *testkit.Clock) store.Store) {
	for name, test := range map[string]func(shardSuite){
		"a set adds up":            setAddsUp,
		"missing":                  missing,
		"counts that are over":     countsOver,
		"rounds":                   rounds,
		"round that is long ago":   longRound,
		"exactly one posts":        exactlyOnePosts,
		"claim that is released":   releasedRound,
		"round that is skipped":    skippedRound,
		"round that is left":       leftRound,
		"set that is wanted whole": wholeSet,
		"claim whose holder dies":  deadClaim,
		"without a pace":           noPace,
		"another number of shards": anotherNumber,
		"sets apart":               setsApart,
		"totals too large":         totalsTooLarge,
		"dry run":                  dryRun,
		"silence":                  silence,
		"bounds of a network":      networkBounds,
		"bounds in all":            allBounds,
		"bots with a key stay":     keyedStay,
		"sets that nobody uses":    unusedSets,
		"large sets":               largeSets,
		"clock set":                shardsClockSet,
		"bad arguments":            badReports,
		"context that has ended":   shardsEndedContext,
		"closed":                   shardsClosed,
	} {
		t.Run(name, func(t *testing.T) {
			clock := testkit.NewClock()
			st := open(t, clock)
			test(shardSuite{t, clock, st.Shards(), st})
		})
	}
}

func (s shardSuite) in(d time.Duration) time.Time { return s.Now().Add(d) }

// report is a report of a set, of pairs of shard and count.
func report(set byte, of int, counts ...int64) store.ShardReport {
	r := store.ShardReport{
		Set: store.Key{0: 3, 15: set}, Network: store.Key{7: 7}, Of: of,
		TTL: 24 * time.Hour, Pace: 120 * time.Second, Round: 10 * time.Minute,
	}
	for ; len(counts) > 0; counts = counts[2:] {
		r.Counts = append(r.Counts, store.ShardCount{Shard: int(counts[0]), Count: counts[1]})
	}
	return r
}

func (s shardSuite) report(r store.ShardReport) store.ShardSet {
	s.Helper()
	set, err := s.Report(s.Context(), r)
	if err != nil || set.Of != r.Of {
		s.Fatalf("Report: %+v, %v", set, err)
	}
	return set
}

// posts wants a report to get the claim on a complete set with these counts.
func (s shardSuite) posts(r store.ShardReport, counts ...int64) store.ShardClaim {
	s.Helper()
	set := s.report(r)
	if set.Claim == (store.ShardClaim{}) || !slices.Equal(set.Counts, counts) || !set.NextPost.IsZero() || !set.Complete() || set.Missing != nil {
		s.Fatalf("Report: %+v, want the claim and counts %d", set, counts)
	}
	return set.Claim
}

// waits wants a report of a complete set to get no claim, and when the next could.
func (s shardSuite) waits(r store.ShardReport, next time.Time) {
	s.Helper()
	set := s.report(r)
	if set.Claim != (store.ShardClaim{}) || set.Counts != nil || !set.NextPost.Equal(next) || !set.Complete() {
		s.Fatalf("Report: %+v, want no claim, and the next post at %v", set, next)
	}
}

// partly wants a set that is not complete.
func (s shardSuite) partly(r store.ShardReport, total int64, missing ...int) {
	s.Helper()
	set := s.report(r)
	if set.Known != r.Of-len(missing) || set.Total != total || !slices.Equal(set.Missing, missing) ||
		set.Claim != (store.ShardClaim{}) || set.Counts != nil || !set.NextPost.IsZero() || set.Complete() {
		s.Fatalf("Report: %+v, want a total of %d, and %d missing", set, total, missing)
	}
}

func (s shardSuite) settle(claim store.ShardClaim, outcome store.ShardOutcome) {
	s.Helper()
	if err := s.Settle(s.Context(), claim, outcome); err != nil {
		s.Fatalf("Settle: %v", err)
	}
}

func setAddsUp(s shardSuite) {
	s.partly(report(1, 4, 0, 10), 10, 1, 2, 3)
	s.partly(report(1, 4, 3, 1, 1, 5), 16, 2)
	s.partly(report(1, 4, 0, 20), 26, 2) // the latest counts
	claim := s.posts(report(1, 4, 2, 0), 20, 5, 0, 1)
	if claim.Of != 4 || claim.Set != report(1, 4).Set {
		s.Errorf("claim %+v", claim)
	}
	s.posts(report(2, 1, 0, store.MaxCount), store.MaxCount)
}

func missing(s shardSuite) {
	first := make([]int, store.MaxMissing)
	for i := range first {
		first[i] = i
	}
	set := s.report(report(1, 100, 50, 1))
	if !slices.Equal(set.Missing, first) {
		s.Errorf("missing %d, want the first %d", set.Missing, len(first))
	}
	r := report(1, 100)
	for shard := range 100 {
		if shard != 7 && shard < 98 {
			r.Counts = append(r.Counts, store.ShardCount{Shard: shard, Count: 1})
		}
	}
	s.partly(r, 97, 7, 98, 99)
}

func countsOver(s shardSuite) {
	s.partly(report(1, 3, 0, 1), 1, 1, 2)
	s.Advance(12 * time.Hour)
	s.partly(report(1, 3, 1, 2), 3, 2)
	s.Advance(12*time.Hour - 2*time.Second)
	s.posts(report(1, 3, 2, 4), 1, 2, 4)
	s.Advance(4 * time.Second)
	s.partly(report(1, 3, 2, 5), 7, 0)
	short := report(1, 3, 0, 1)
	short.TTL = time.Hour // holds for those that were there before too
	s.Advance(30 * time.Minute)
	s.partly(short, 6, 1)
}

func rounds(s shardSuite) {
	claim := s.posts(report(1, 2, 0, 1, 1, 1), 1, 1)
	posted := s.Now()
	s.waits(report(1, 2, 0, 2), posted.Add(120*time.Second)) // while it is being posted
	s.Advance(5 * time.Second)
	s.settle(claim, store.ShardsPosted)
	s.settle(claim, store.ShardsPosted) // again: changes nothing
	s.Advance(5 * time.Second)
	s.waits(report(1, 2, 0, 3), posted.Add(120*time.Second))
	s.waits(report(1, 2, 1, 3), posted.Add(120*time.Second)) // all have reported, but too soon
	s.Advance(109 * time.Second)
	s.waits(report(1, 2, 1, 4), posted.Add(120*time.Second))
	s.Advance(time.Second)
	claim = s.posts(report(1, 2, 0, 5), 5, 4)
	s.settle(claim, store.ShardsPosted)

	s.Advance(200 * time.Second)
	s.waits(report(1, 2, 0, 6), s.Now()) // the other has not reported since
	s.waits(report(1, 2, 0, 7), s.Now())
	s.posts(report(1, 2, 1, 6), 7, 6)
}

func longRound(s shardSuite) {
	s.settle(s.posts(report(1, 2, 0, 1, 1, 1), 1, 1), store.ShardsPosted)
	s.Advance(10*time.Minute - time.Second)
	s.waits(report(1, 2, 0, 2), s.Now())
	s.Advance(time.Second)
	s.posts(report(1, 2, 0, 3), 3, 1)
}

func exactlyOnePosts(s shardSuite) {
	const of = 10
	for round := range 4 {
		var posted atomic.Int64
		var wg sync.WaitGroup
		for i := range 3 * of {
			wg.Go(func() {
				set, err := s.Report(s.Context(), report(1, of, int64(i%of), int64(round)))
				if err != nil {
					s.Error(err)
					return
				}
				if set.Claim != (store.ShardClaim{}) {
					posted.Add(1)
					if err := s.Settle(s.Context(), set.Claim, store.ShardsPosted); err != nil {
						s.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if posted.Load() != 1 {
			s.Fatalf("round %d: %d posts, want 1", round, posted.Load())
		}
		s.Advance(120 * time.Second)
	}
}

func releasedRound(s shardSuite) {
	claim := s.posts(report(1, 2, 0, 1, 1, 1), 1, 1)
	s.waits(report(1, 2, 0, 2), s.in(120*time.Second))
	s.settle(claim, store.ShardsReleased)
	claim = s.posts(report(1, 2, 0, 3), 3, 1) // whoever reports next
	s.settle(claim, store.ShardsPosted)
	s.Advance(120 * time.Second)
	s.waits(report(1, 2, 0, 4), s.Now())
}

func skippedRound(s shardSuite) {
	s.settle(s.posts(report(1, 2, 0, 1, 1, 1), 1, 1), store.ShardsSkipped)
	s.waits(report(1, 2, 0, 2), s.Now()) // another round
	s.Advance(time.Second)
	claim := s.posts(report(1, 2, 1, 2), 2, 2) // nothing was posted: there is no pace to keep
	s.settle(claim, store.ShardsPosted)
	s.waits(report(1, 2, 0, 3, 1, 3), s.in(120*time.Second))
}

func leftRound(s shardSuite) {
	leave := report(1, 2, 0, 1, 1, 1)
	leave.NoClaim = true
	s.waits(leave, s.Now())
	s.Advance(time.Second)
	s.waits(leave, s.Now())
	s.settle(s.posts(report(1, 2, 0, 2), 2, 1), store.ShardsPosted)
	posted := s.Now()
	s.Advance(30 * time.Second)
	s.waits(leave, posted.Add(120*time.Second)) // both have reported
	s.Advance(100 * time.Second)
	s.posts(report(1, 2, 0, 3), 3, 1)
}

func wholeSet(s shardSuite) {
	whole := report(1, 2, 0, 1)
	whole.Whole = true
	s.partly(whole, 1, 1)
	whole = report(1, 2, 1, 2)
	whole.Whole = true
	s.posts(whole, 1, 2)
	whole.Counts[0].Count = 3
	if set := s.report(whole); !slices.Equal(set.Counts, []int64{1, 3}) || set.Claim != (store.ShardClaim{}) {
		s.Errorf("%+v, want counts and no claim", set)
	}
}

func deadClaim(s shardSuite) {
	claim := s.posts(report(1, 2, 0, 1, 1, 1), 1, 1)
	until := s.in(120 * time.Second)
	s.Advance(119 * time.Second)
	s.waits(report(1, 2, 0, 2), until)
	s.Advance(time.Second)
	other := s.posts(report(1, 2, 0, 3), 3, 1)
	s.settle(claim, store.ShardsPosted) // too late
	s.waits(report(1, 2, 0, 4), s.in(120*time.Second))
	s.settle(other, store.ShardsReleased)
	s.posts(report(1, 2, 0, 5), 5, 1)
	s.settle(store.ShardClaim{Set: report(9, 2).Set, Of: 2, ID: store.Key{1}}, store.ShardsPosted)
	s.settle(store.ShardClaim{Set: report(1, 2).Set, Of: 2}, store.ShardsPosted)
}

func noPace(s shardSuite) {
	r := report(1, 2, 0, 1, 1, 1)
	r.Pace = 0
	s.settle(s.posts(r, 1, 1), store.ShardsPosted)
	s.settle(s.posts(r, 1, 1), store.ShardsPosted)
	s.posts(r, 1, 1)
	s.waits(r, s.in(store.ClaimTTL))
	s.Advance(store.ClaimTTL)
	s.posts(r, 1, 1)
}

func anotherNumber(s shardSuite) {
	s.settle(s.posts(report(1, 2, 0, 1, 1, 1), 1, 1), store.ShardsPosted)
	s.partly(report(1, 3, 0, 10, 1, 10), 20, 2) // a rolling deployment
	s.Advance(120 * time.Second)
	s.settle(s.posts(report(1, 2, 0, 2, 1, 2), 2, 2), store.ShardsPosted) // the old set goes on
	s.posts(report(1, 3, 2, 10), 10, 10, 10)
	s.partly(report(1, 2, 0, 3), 3, 1) // it is forgotten, and begins anew
}

func setsApart(s shardSuite) {
	s.partly(report(1, 2, 0, 1), 1, 1)
	s.partly(report(2, 2, 1, 1), 1, 0)
	s.posts(report(1, 2, 1, 2), 1, 2)
	s.posts(report(2, 2, 0, 5), 5, 1)
}

func totalsTooLarge(s shardSuite) {
	tooLarge := func(r store.ShardReport) {
		s.Helper()
		if set, err := s.Report(s.Context(), r); !errors.Is(err, store.ErrTotal) {
			s.Fatalf("%+v, %v; want ErrTotal", set, err)
		}
	}
	tooLarge(report(1, 3, 0, store.MaxCount, 1, 1))
	s.partly(report(1, 3, 0, store.MaxCount-1), store.MaxCount-1, 1, 2)
	tooLarge(report(1, 3, 1, 2))
	dry := report(1, 3, 1, 2)
	dry.DryRun = true
	tooLarge(dry)
	s.partly(report(1, 3, 1, 1), store.MaxCount, 2)
	s.partly(report(1, 3, 0, 5, 1, store.MaxCount-5), store.MaxCount, 2) // in place of the others
	tooLarge(report(1, 3, 0, 6, 2, 0))
	s.partly(report(1, 3, 0, 5), store.MaxCount, 2) // nothing of it was kept
}

func dryRun(s shardSuite) {
	dry := func(r store.ShardReport) store.ShardReport { r.DryRun = true; return r }
	s.partly(dry(report(1, 3, 0, 1)), 1, 1, 2)
	s.partly(report(1, 3, 1, 1), 1, 0, 2)
	s.partly(dry(report(1, 3, 0, 7, 1, 5)), 12, 2)
	set := s.report(dry(report(1, 3, 0, 7, 2, 9)))
	if set.Known != 3 || set.Total != 17 || !slices.Equal(set.Counts, []int64{7, 1, 9}) || set.Claim != (store.ShardClaim{}) || set.Missing != nil {
		s.Errorf("%+v, want it complete, with its counts and no claim", set)
	}
	s.partly(report(1, 3, 0, 2), 3, 2)
	s.posts(report(1, 3, 2, 2), 2, 1, 2)
}

func silence(s shardSuite) {
	want := func(ok bool, known int, round time.Duration, silent ...int) {
		s.Helper()
		got, gotOK, err := s.Silence(s.Context(), report(1, 0).Set, 10, time.Hour)
		if err != nil || gotOK != ok || ok && got.Of != 3 || got.Known != known || got.Round != round || !slices.Equal(got.Silent, silent) {
			s.Fatalf("Silence: %+v, %v, %v; want %v, %d known, rounds of %s, %d silent", got, gotOK, err, ok, known, round, silent)
		}
	}
	of := func(counts ...int64) store.ShardReport { // whose rounds are as long as it takes
		r := report(1, 3, counts...)
		r.Round = 1000 * time.Hour
		return r
	}
	want(false, 0, 0)
	s.partly(of(0, 1, 1, 1), 2, 2)
	want(false, 0, 0) // was never complete
	s.Advance(time.Minute)
	s.settle(s.posts(of(2, 1), 1, 1, 1), store.ShardsPosted)
	want(true, 3, time.Minute)
	s.Advance(time.Hour - 2*time.Second)
	s.waits(of(0, 1), s.Now())
	want(true, 3, time.Minute, 1) // an hour at the least
	s.Advance(3 * time.Second)
	want(true, 3, time.Minute, 1, 2)
	s.settle(s.posts(of(1, 1, 2, 1), 1, 1, 1), store.ShardsPosted)
	took := time.Hour + time.Second
	want(true, 3, took)
	s.Advance(10*took - time.Minute)
	s.waits(of(0, 1), s.Now())
	want(true, 3, took)
	s.Advance(2 * time.Minute)
	want(true, 3, took, 1, 2)
	s.partly(report(1, 4, 3, 1), 1, 0, 1, 2) // another set, that is not complete
	want(true, 3, took, 1, 2)
	s.Advance(24*time.Hour - 5*time.Minute) // one has reported within a day
	want(true, 1, took, 0, 1, 2)
}

func (s shardSuite) has(want bool, r store.ShardReport) {
	s.Helper()
	r.DryRun = true
	r.Counts = []store.ShardCount{{Shard: r.Of - 1}}
	if got := s.report(r).Known > 1; got != want {
		s.Fatalf("set %d is there: %v, want %v", r.Set[15], got, want)
	}
}

// used is report, and lets the clock go on, so that it tells which set was used
// before which.
func (s shardSuite) used(r store.ShardReport) {
	s.Helper()
	s.report(r)
	s.Advance(time.Millisecond)
}

func networkBounds(s shardSuite) {
	other := report(9, 100, 0, 1)
	other.Network = store.Key{7: 8}
	s.used(other)
	for set := byte(1); set <= 4; set++ {
		s.used(report(set, 100, 0, 1))
	}
	s.used(report(1, 100, 1, 1)) // used again
	s.used(report(5, 100, 0, 1)) // one too many: the least recently used goes
	s.has(false, report(2, 100))
	for _, set := range []byte{1, 3, 4, 5} {
		s.has(true, report(set, 100))
	}
	s.has(true, other)
	full := report(6, 100)
	for shard := range 17 { // counts, of which the network may have 20
		full.Counts = append(full.Counts, store.ShardCount{Shard: shard, Count: 1})
	}
	s.used(full)
	for set, want := range map[byte]bool{1: true, 3: false, 4: false, 5: true, 6: true} {
		s.has(want, report(set, 100))
	}
	for shard := range 3 { // one set has them all
		s.used(report(6, 100, int64(20+shard), 1))
	}
	s.has(true, report(6, 100))
	s.has(false, report(5, 100))
	s.has(true, other)
}

func allBounds(s shardSuite) {
	of := func(set, network byte) store.ShardReport {
		r := report(set, 100, 0, 1)
		r.Network = store.Key{7: network}
		return r
	}
	for n := byte(1); n <= 6; n++ {
		s.used(of(n, n))
	}
	s.used(of(1, 1))
	s.used(of(7, 7)) // one too many
	s.has(false, of(2, 2))
	s.has(true, of(1, 1))
	many := of(8, 8)
	for shard := 1; shard < 20; shard++ {
		many.Counts = append(many.Counts, store.ShardCount{Shard: shard, Count: 1})
	}
	s.used(many) // 25 counts of 30
	s.has(false, of(3, 3))
	many = of(9, 9)
	for shard := 1; shard < 10; shard++ {
		many.Counts = append(many.Counts, store.ShardCount{Shard: shard, Count: 1})
	}
	s.used(many)
	for n, want := range map[byte]bool{4: false, 5: false, 6: false, 1: false, 7: false, 8: true, 9: true} {
		s.has(want, of(n, n))
	}
}

func keyedStay(s shardSuite) {
	keyed := func(set byte, counts ...int64) store.ShardReport {
		r := report(set, 100, counts...)
		r.Network = store.Key{}
		return r
	}
	for set := byte(100); set < 120; set++ {
		s.used(keyed(set, 0, 1, 1, 1, 2, 1))
	}
	for set := byte(1); set <= 10; set++ {
		s.used(report(set, 100, 0, 1))
	}
	for set := byte(100); set < 120; set++ {
		s.has(true, keyed(set))
	}
	s.has(true, report(10, 100))
	s.has(false, report(1, 100))
}

func unusedSets(s shardSuite) {
	for set := byte(1); set <= 4; set++ {
		s.report(report(set, 100, 0, 1))
	}
	s.Advance(24*time.Hour + time.Second)
	for set := byte(11); set <= 14; set++ {
		s.report(report(set, 100, 0, 1))
	}
	for set := byte(1); set <= 4; set++ {
		s.has(false, report(set, 100))
		s.has(true, report(set+10, 100))
	}
}

func largeSets(s shardSuite) {
	const of = store.MaxShards
	r := report(1, of)
	r.Network = store.Key{}
	for shard := range of - 1 {
		r.Counts = append(r.Counts, store.ShardCount{Shard: shard, Count: int64(shard)})
	}
	s.partly(r, (of-1)*(of-2)/2, of-1)
	last := report(1, of, of-1, 5)
	last.Network = store.Key{}
	set := s.report(last)
	if len(set.Counts) != of || set.Counts[of-2] != of-2 || set.Counts[of-1] != 5 {
		s.Errorf("%d counts, want %d", len(set.Counts), of)
	}
}

func shardsClockSet(s shardSuite) {
	for _, set := range []time.Duration{-time.Hour, 48 * time.Hour} {
		s.settle(s.posts(report(1, 2, 0, 1, 1, 1), 1, 1), store.ShardsPosted)
		s.Set(set)
		s.waits(report(1, 2, 0, 1, 1, 1), s.in(120*time.Second))
		s.Advance(119 * time.Second)
		s.waits(report(1, 2, 0, 1, 1, 1), s.in(time.Second))
		s.Advance(time.Second)
	}
}

func badReports(s shardSuite) {
	change := func(f func(*store.ShardReport)) store.ShardReport {
		r := report(1, 3, 0, 1)
		f(&r)
		return r
	}
	for i, bad := range []store.ShardReport{
		report(1, 3), report(1, 3, 3, 1), report(1, 3, -1, 1), report(1, 3, 0, -1), report(1, 3, 0, store.MaxCount+1),
		report(1, 3, 0, 1, 0, 1), report(1, 0, 0, 1), report(1, store.MaxShards+1, 0, 1), report(1, 1, 0, 1, 0, 2),
		change(func(r *store.ShardReport) { r.TTL = 0 }),
		change(func(r *store.ShardReport) { r.Pace = -1 }),
		change(func(r *store.ShardReport) { r.Round = 0 }),
	} {
		if set, err := s.Report(s.Context(), bad); err == nil {
			s.Errorf("%d: %+v, no error", i, set)
		}
	}
	s.partly(report(1, 3, 0, 1), 1, 1, 2)
}

// calls wants each call to fail with an error.
func (s shardSuite) calls(ctx context.Context, want error) {
	s.Helper()
	_, reportErr := s.Report(ctx, report(1, 2, 0, 1))
	settleErr := s.Settle(ctx, store.ShardClaim{Of: 1, ID: store.Key{1}}, store.ShardsPosted)
	_, _, silenceErr := s.Silence(ctx, store.Key{}, 10, time.Hour)
	for call, err := range map[string]error{"Report": reportErr, "Settle": settleErr, "Silence": silenceErr} {
		if !errors.Is(err, want) {
			s.Errorf("%s: %v, want %v", call, err, want)
		}
	}
}

func shardsEndedContext(s shardSuite) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	s.calls(ctx, context.Canceled)
	s.partly(report(1, 2, 1, 1), 1, 0)
}

func shardsClosed(s shardSuite) {
	if err := s.store.Close(); err != nil {
		s.Fatal(err)
	}
	s.calls(s.Context(), store.ErrClosed)
}
