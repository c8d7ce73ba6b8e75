//go:build !unix

package main

import (
	"io/fs"
	"os"
)

// descriptorLimit returns the usual number of descriptors: there is no limit to
// ask for.
func descriptorLimit() int { return usualDescriptors }

// notifyHangUp returns a channel on which nothing comes: there are no hang-up
// signals. Files are read anew by starting again.
func notifyHangUp() (hangUps <-chan os.Signal, stop func()) { return nil, func() {} }

// restrict does nothing: who may connect to a socket is decided by the folder
// that it is in.
func restrict(string, fs.FileMode) error { return nil }
