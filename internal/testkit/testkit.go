// Package testkit is what the tests of several packages share: fake lists, a
// service or a built program under test, waiting for a condition, a clock that
// moves when told, and a log that is kept. Only tests import it.
package testkit
