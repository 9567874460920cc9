package service

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"imgtools/pkg/front"
	"imgtools/pkg/tokenfile"
)

// secrets are the tokens, the certificate, the keys that sign URLs, and the presets,
// which are none, but are read with them. They can be read again.
type secrets struct {
	s       *service
	tokens  []string
	keys    []string
	presets front.Presets
	cert    atomic.Pointer[tls.Certificate]
}

// warnReadable is the warning about a file of secrets: its flag, and its path.
const warnReadable = "-%s %s: all users can read it; chmod 640 it"

// give gives the server what was read last.
func (sec *secrets) give(srv *front.Server) {
	srv.SetTokens(sec.tokens)
	srv.SetSignKeys(sec.keys)
	if sec.presets != nil {
		srv.SetPresets(sec.presets)
	}
}

func (s *service) loadSecrets() (*secrets, error) {
	sec := &secrets{s: s}
	return sec, sec.reload()
}

// reload reads the files again. What can't be read stays as it was.
func (sec *secrets) reload() error {
	s := sec.s
	var errs []error
	for _, f := range []struct {
		flag, path string
		to         *[]string
	}{{"token", s.Token, &sec.tokens}, {"sign", s.Sign, &sec.keys}} {
		if f.path == "" {
			continue
		}
		lines, readable, err := tokenfile.Read(f.path)
		if err == nil {
			*f.to = lines
		}
		if readable {
			s.lines.Warn(warnReadable, f.flag, f.path)
		}
		errs = append(errs, err)
	}
	if s.Preset != "" {
		presets, err := readPresets(s.Preset)
		if err == nil {
			sec.presets = presets
		}
		errs = append(errs, err)
	}
	if s.Cert != "" {
		cert, err := loadCertificate(s.Cert, s.Key)
		if err == nil {
			sec.cert.Store(cert)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func readPresets(path string) (front.Presets, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("-preset: %w", err)
	}
	presets, err := front.ParsePresets(string(b))
	if err != nil {
		return nil, fmt.Errorf("-preset %s: %w", path, err)
	}
	return presets, nil
}

func loadCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("-cert %s -key %s: %w", certFile, keyFile, err)
	}
	return &cert, nil
}

// certificates returns what TLS calls for a certificate, nil without -cert.
func (sec *secrets) certificates() front.Certificates {
	if sec.s.Cert == "" {
		return nil
	}
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return sec.cert.Load(), nil }
}
