package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"imgtools/pkg/front"
)

// secrets are the tokens and the certificate, which can be read anew.
type secrets struct {
	c      *config
	tokens []string
	cert   atomic.Pointer[tls.Certificate]
}

func loadSecrets(c *config) (*secrets, error) {
	s := &secrets{c: c}
	return s, s.reload()
}

// reload reads the files again. What can't be read stays as it was.
func (s *secrets) reload() error {
	var errs []error
	if s.c.token != "" {
		tokens, err := readTokens(s.c.token, warn)
		if err == nil {
			s.tokens = tokens
		}
		errs = append(errs, err)
	}
	if s.c.cert != "" {
		cert, err := tls.LoadX509KeyPair(s.c.cert, s.c.key)
		if err == nil {
			s.cert.Store(&cert)
		} else {
			err = fmt.Errorf("-cert %s -key %s: %w", s.c.cert, s.c.key, err)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// certificates returns what TLS is to ask for its certificate, nil without -cert.
func (s *secrets) certificates() front.Certificates {
	if s.c.cert == "" {
		return nil
	}
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.cert.Load(), nil }
}

// readTokens reads a file of tokens, one a line; there must be one. Empty lines and
// those that begin with # are skipped. A file that other users can read is reported
// to warn.
func readTokens(path string, warn func(format string, args ...any)) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("-token: %w", err)
	}
	defer f.Close()
	if fi, err := f.Stat(); err == nil && fi.Mode().IsRegular() && fi.Mode().Perm()&0o007 != 0 {
		warn("-token %s: mode %#o lets other users read it; chmod 640 it", path, fi.Mode().Perm())
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("-token: %w", err)
	}
	var tokens []string
	for sc := bufio.NewScanner(bytes.NewReader(b)); sc.Scan(); {
		if t := strings.TrimSpace(sc.Text()); t != "" && !strings.HasPrefix(t, "#") {
			tokens = append(tokens, t)
		}
	}
	if len(tokens) == 0 {
		return nil, fmt.Errorf("-token %s: no token in it", path)
	}
	return tokens, nil
}
