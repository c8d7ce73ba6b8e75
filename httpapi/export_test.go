package httpapi

// Routes returns the method and the path of each route.
func (s *Server) Routes() (all [][2]string) {
	for _, r := range s.routes() {
		all = append(all, [2]string{r.method, r.path})
	}
	return all
}
