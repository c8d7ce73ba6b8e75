// Package aggregator posts a Discord bot's server count to every bot list, reads a
// bot from every list, and asks lists whether a user has voted, in each list's own
// way. It is the service of this module without the service: no server, no file, no
// environment.
//
//	lists, err := aggregator.New(aggregator.Options{})
//	if err != nil {
//		return err
//	}
//	defer lists.Close()
//	answer, err := lists.Count(ctx, aggregator.CountRequest{
//		BotID:       "123456789012345678",
//		ServerCount: 1234,
//		Tokens:      aggregator.Tokens{"list.example": os.Getenv("LIST_TOKEN")},
//	})
//	if err != nil {
//		return err // nothing was posted
//	}
//	for _, r := range answer.Results {
//		fmt.Println(r.List, r.OK, r.Status, r.Text)
//	}
//
// A list that fails, is slow or sends nonsense is a value in the answer, never an
// error, and spoils nothing for the others.
//
// What a list limits is heeded: a call that the list would refuse or punish is not
// made, and stands under Skipped with the time at which it may be. Call as often as
// is convenient. So that this outlives the program, pass a Store. The limits that
// the service puts on its callers are off here, unless Options sets them.
//
// Importing this package pulls in no web framework, no database and no metrics.
// Those are packages of their own: httpapi.NewHandler serves an Aggregator over
// HTTP, store/sqlite and store/redis are stores.
package aggregator
