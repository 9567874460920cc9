package service

import (
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"

	"imgtools/pkg/front"
	"imgtools/pkg/tokenfile"
)

// secrets are the tokens and the certificate. They can be read again.
type secrets struct {
	s      *service
	tokens []string
	cert   atomic.Pointer[tls.Certificate]
}

func (s *service) loadSecrets() (*secrets, error) {
	sec := &secrets{s: s}
	return sec, sec.reload()
}

// reload reads the files again. What can't be read stays as it was.
func (sec *secrets) reload() error {
	s := sec.s
	var errs []error
	if s.Token != "" {
		tokens, readable, err := tokenfile.Read(s.Token)
		if err == nil {
			sec.tokens = tokens
		}
		if readable {
			s.lines.Warn("-token %s: all users can read it; chmod 640 it", s.Token)
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
