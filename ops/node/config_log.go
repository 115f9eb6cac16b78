package node

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"entente/schema/refusal"
)

// LogConfig is the part of a bank's configuration file about its log. Tokens do not stand in it: a reader keeps its token, the file its SHA-256.
type LogConfig struct {
	Listen         string            `json:"listen"`                    // host:port; or fd:N for a socket that the process inherits, as systemd hands it over (fd:3)
	Certificate    string            `json:"certificate,omitempty"`     // PEM file; may be missing on loopback, on an inherited socket and in development
	CertificateKey string            `json:"certificate_key,omitempty"` // PEM file
	Witnesses      map[string]string `json:"witnesses,omitempty"`       // other bank to the address of its witness, such as https://boj.example/witness
	Authorities    string            `json:"authorities,omitempty"`     // PEM file with whom the witnesses' certificates come from; the system's when empty
	Readers        map[string]string `json:"readers,omitempty"`         // auditor to the SHA-256 of its token, in hexadecimal: it may read entries over HTTP
}

// descriptor gives the number of an inherited socket.
func (c *LogConfig) descriptor() (uintptr, bool) {
	digits, inherited := strings.CutPrefix(c.Listen, "fd:")
	n, err := strconv.ParseUint(digits, 10, 16)
	return uintptr(n), inherited && err == nil && n >= 3
}

func (c *LogConfig) check(f *configFaults, development bool) {
	f.due("log.listen", c.Listen)
	host, _, err := net.SplitHostPort(c.Listen)
	_, inherited := c.descriptor()
	if host == "fd" && !inherited {
		err = strconv.ErrSyntax
	}
	if c.Listen != "" && err != nil && !inherited {
		f.add("log.listen", "write it as host:port, or fd:N for an inherited socket", "is %.80q", c.Listen)
	}
	if (c.Certificate == "") != (c.CertificateKey == "") {
		f.add("log.certificate", "name both files, or none", "stands without its key, or the key without it")
	}
	if ip := net.ParseIP(host); c.Certificate == "" && err == nil && !inherited && !development && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		f.add("log.certificate", "add it and certificate_key, or listen on loopback behind what terminates TLS", "is missing, and the log is to be served to other hosts")
	}
	for bank, address := range c.Witnesses {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" {
			f.add("log.witnesses", "write it as https://host/witness", "the address of %.64q is none", bank)
		}
	}
	for reader, sum := range c.Readers {
		if b, err := hex.DecodeString(sum); err != nil || len(b) != sha256.Size || reader == "" {
			f.add("log.readers", "write the 64 hexadecimal digits that sha256sum gives", "the digest of the token of %.64q is none", reader)
		}
	}
}

// public opens what a bank's log is served on and asked with. The caller closes the listener.
func (p *process) public() (BankLog, error) {
	var l BankLog
	c := p.cfg.Log
	if c == nil {
		if p.trust.WitnessQuorum > 0 {
			return l, refusal.Newf(CodeConfigInvalid, "add log with the witnesses' addresses", "log: is missing, and the trust file wants every head cosigned by %d other banks",
				p.trust.WitnessQuorum)
		}
		return l, nil
	}
	l.Witnesses, l.Readers = c.Witnesses, map[string][sha256.Size]byte{}
	known := 0
	for bank := range c.Witnesses {
		if other, ok := p.trust.Bank(bank); !ok || bank == p.cfg.ID || other.Witness == "" {
			return l, refusal.Newf(CodeConfigInvalid, "name other banks that the trust file has a witness key of", "log.witnesses: %.64q is none", bank)
		}
		known++
	}
	if known < p.trust.WitnessQuorum {
		return l, refusal.Newf(CodeConfigInvalid, "add the missing addresses", "log.witnesses: %d are named, and the trust file wants every head cosigned by %d", known, p.trust.WitnessQuorum)
	}
	for reader, sum := range c.Readers {
		if _, ok := p.trust.Auditor(reader); !ok {
			return l, refusal.Newf(CodeConfigInvalid, "name auditors of the trust file", "log.readers: %.64q is none", reader)
		}
		b, err := hex.DecodeString(sum)
		if err != nil {
			return l, err // the file was checked before
		}
		l.Readers[reader] = [sha256.Size]byte(b)
	}
	if err := p.certificates(&l); err != nil {
		return l, err
	}
	var err error
	l.Listener, err = p.listen()
	return l, err
}

func (p *process) certificates(l *BankLog) error {
	c := p.cfg.Log
	if c.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(p.cfg.file(c.Certificate), p.cfg.file(c.CertificateKey))
		if err != nil {
			return refusal.Newf(CodeConfigInvalid, "check log.certificate and log.certificate_key", "the certificate cannot be used: %v", err)
		}
		l.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"}}
	}
	if c.Authorities != "" {
		pem, err := os.ReadFile(p.cfg.file(c.Authorities))
		pool := x509.NewCertPool()
		if err != nil || !pool.AppendCertsFromPEM(pem) {
			return refusal.Newf(CodeConfigInvalid, "check log.authorities", "the file holds no certificates (%v)", err)
		}
		l.Authorities = pool
	}
	return nil
}

// listen opens the address, or takes up the socket that the process inherited.
func (p *process) listen() (net.Listener, error) {
	n, inherited := p.cfg.Log.descriptor()
	if !inherited {
		l, err := net.Listen("tcp", p.cfg.Log.Listen)
		if err != nil {
			return nil, fmt.Errorf("serve the log: %w", err)
		}
		return l, nil
	}
	if p.socket == nil { // kept: the bank may be opened again
		p.socket = os.NewFile(n, "log")
	}
	if p.socket == nil {
		return nil, refusal.Newf(CodeConfigInvalid, "start the process with its socket", "log.listen: there is no descriptor %d", n)
	}
	l, err := net.FileListener(p.socket)
	if err != nil {
		return nil, refusal.Newf(CodeConfigInvalid, "start the process with a listening socket there", "log.listen: descriptor %d is no listening socket: %v", n, err)
	}
	return l, nil
}
