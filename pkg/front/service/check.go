package service

import (
	"crypto/x509"
	"fmt"
	"io"
	"strings"
	"time"

	"imgtools/pkg/address"
	"imgtools/pkg/daemon/embed"
	"imgtools/pkg/daemon/listen"
	"imgtools/pkg/daemon/sandbox"
	"imgtools/pkg/fault"
	"imgtools/pkg/front/dispatch"
	"imgtools/pkg/front/docroot"
	"imgtools/pkg/front/spool"
	"imgtools/pkg/limits"
	"imgtools/pkg/tokenfile"
)

// Check writes what Run would serve, as lines `key: value`, without binding a
// socket, starting a daemon, writing a file or upgrading the spool. What would
// keep Run from serving is an error of kind Usage; all such errors are found, not
// only the first.
func Check(c Config, w io.Writer) error {
	if err := c.validate(); err != nil {
		return err
	}
	r := report{w: w}
	c.checkAddresses(&r)
	if c.Fitted != "" && len(c.missing()) > 0 {
		r.say("fitted", "%s", c.Fitted)
	}
	c.checkDaemons(&r)
	c.checkSpool(&r)
	c.checkSecrets(&r)
	c.checkFiles(&r)
	r.say("timeout", "%s", limits.FormatTime(c.Timeout))
	r.say("maxbytes", "%s", limits.Binary.Format(c.MaxBytes))
	r.say("maxpixels", "%s", limits.Decimal.Format(c.MaxPixels))
	if len(r.wrong) > 0 {
		return fault.New(fault.Usage, "%s", strings.Join(r.wrong, "; "))
	}
	return r.err
}

// report is what a check writes and finds.
type report struct {
	w     io.Writer
	err   error // of writing
	wrong []string
}

func (r *report) say(key, format string, args ...any) {
	if _, err := fmt.Fprintf(r.w, key+": "+format+"\n", args...); err != nil {
		r.err = err
	}
}

// bad notes an error, if it is one, and reports whether it is.
func (r *report) bad(err error) bool {
	if err != nil {
		r.wrong = append(r.wrong, err.Error())
	}
	return err != nil
}

func (c *Config) checkAddresses(r *report) {
	found := func(a listen.Address, err error) {
		if err == nil {
			err = listen.Check(a)
		}
		if r.bad(err) {
			return
		}
		if a.Path != "" {
			r.say("address", "%s", a)
		}
		for _, b := range a.Binds {
			r.say("address", "%s", tcpURL(b.String(), c.Cert != ""))
			r.bad(c.free(b.String(), !b.Addr().IsLoopback()))
			if c.Token == "" && !b.Addr().IsLoopback() {
				r.say("warning", "%s: any client that can reach it may use it (-token)", b)
			}
		}
	}
	found(tcpAddress(c.IPs, c.Port))
	for _, text := range c.Addresses {
		found(listen.Parse(text))
	}
	if len(c.Addresses) == 0 {
		a, err := listen.CheckDefault("imgd")
		if err != nil { // Run warns and serves TCP alone
			r.say("warning", "%v: not served", err)
			return
		}
		r.say("address", "%s", a)
	}
}

func (c *Config) checkDaemons(r *report) {
	for _, given := range []struct {
		name      string
		addresses []string
	}{{"grayd", c.Gray}, {"scaled", c.Scale}, {dispatch.Heifd, c.HEIF}} {
		for _, text := range given.addresses {
			a, err := address.Dial(text)
			if err != nil {
				err = fmt.Errorf("-%s: %w", given.name, err)
			}
			if !r.bad(err) {
				r.say(given.name, "%s", a)
			}
		}
	}
	for _, name := range c.missing() {
		if path, err := embed.Find(name); !r.bad(err) {
			r.say(name, "%s -n %d -maxmem %s -sandbox %s", path, c.workers(name), limits.Binary.Format(c.MaxMem), c.Sandbox)
		}
	}
	if len(c.missing()) > 0 {
		r.bad(sandbox.Check(sandbox.Mode(c.Sandbox)))
	}
}

func (c *Config) checkSpool(r *report) {
	version, err := spool.Check(c.Spool)
	switch {
	case err != nil:
		r.bad(otherFolder(err))
	case version == 0:
		r.say("spool", "%s (new)", c.Spool)
	default:
		r.say("spool", "%s (version %d)", c.Spool, version)
	}
	if kind := spool.Fleeting(c.Spool); kind != "" {
		r.say("warning", warnFleeting, c.Spool, kind)
	}
}

// checkFiles checks what is served by URL.
func (c *Config) checkFiles(r *report) {
	if c.Root != "" {
		if _, err := docroot.Open(c.Root); !r.bad(err) {
			r.say("root", "%s", c.Root)
		}
	}
	if c.Sign != "" {
		r.checkLines("keys", "sign", c.Sign)
	}
	if c.Preset != "" {
		presets, err := readPresets(c.Preset)
		if !r.bad(err) {
			r.say("presets", "%d in %s", len(presets), c.Preset)
		}
	}
}

// checkLines checks a file of secrets, one a line: what they are, the flag that names the
// file, and the file.
func (r *report) checkLines(what, flag, path string) {
	lines, readable, err := tokenfile.Read(path)
	if !r.bad(err) {
		r.say(what, "%d in %s", len(lines), path)
	}
	if readable {
		r.say("warning", warnReadable, flag, path)
	}
}

func (c *Config) checkSecrets(r *report) {
	if c.Token != "" {
		r.checkLines("tokens", "token", c.Token)
	}
	if c.Cert == "" {
		return
	}
	cert, err := loadCertificate(c.Cert, c.Key)
	if r.bad(err) {
		return
	}
	leaf := cert.Leaf
	if leaf == nil {
		if leaf, err = x509.ParseCertificate(cert.Certificate[0]); r.bad(err) {
			return
		}
	}
	r.say("certificate", "%s until %s", c.Cert, leaf.NotAfter.UTC().Format(time.RFC3339))
	if time.Now().After(leaf.NotAfter) {
		r.bad(fmt.Errorf("-cert %s: expired %s", c.Cert, leaf.NotAfter.UTC().Format(time.RFC3339)))
	}
}
