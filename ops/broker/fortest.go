package broker

import "testing"

// ForTest runs a private server, with the given options or none, until the test ends.
func ForTest(tb testing.TB, options ...Options) *Server {
	tb.Helper()
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	s, err := Start(o)
	if err != nil {
		tb.Fatalf("no broker for the test: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Stop(); err != nil {
			tb.Errorf("stop the test's broker: %v", err)
		}
	})
	return s
}
