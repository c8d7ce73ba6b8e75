package httpapi

// Build says which build of the program is running.
type Build struct {
	Version   string // of a release, else the revision of the sources, else "dev"
	Revision  string // "" where it is not known
	GoVersion string
}
