package telemetry

import (
	"net"
	"net/url"

	"entente/schema/refusal"
)

// checkLoopback refuses to serve metrics to other machines: whoever needs them there puts something in front that asks who is reading.
func checkLoopback(address string) error {
	exposed := func(what string) error {
		return refusal.Newf(CodeMetricsExposed, "give a loopback address such as 127.0.0.1:9464", "the address for metrics %q %s", address, what)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return exposed("is no host:port")
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return exposed("is not of this machine alone")
	}
	return nil
}

// collector gives the URL to send traces to: the collector's, with OTLP's usual path where it has none. It refuses what cannot be a collector, and passwords,
// which would stand in configuration files.
func collector(address string) (string, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return "", refusal.New(CodeTracesInvalid, "the address that takes traces is no http or https URL", "give one such as http://127.0.0.1:4318")
	case u.User != nil:
		return "", refusal.New(CodeTracesInvalid, "the address that takes traces holds a user or password", "let the collector on this machine sign in")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	return u.String(), nil
}
