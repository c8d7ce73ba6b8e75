// Package storetest holds the suites that every store has to pass: one for each
// interface of package store.
package storetest
