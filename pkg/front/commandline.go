package front

import (
	"fmt"
	"net/url"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

// Curl is the command line that does the same over HTTP. It writes a file of
// another name than the picture's; of several sizes it makes a job and prints its ids.
func (v jobView) Curl(p *page) string {
	var query []string
	for _, w := range v.ops {
		opt, _ := ops.Lookup(w.Key)
		switch {
		case opt.Stage == ops.Nobody || opt.Internal:
		case opt.Switch() && (w.Value == "1" || w.Value == opt.Usual()):
			query = append(query, w.Key)
		default:
			query = append(query, w.Key+"="+strings.ReplaceAll(url.QueryEscape(w.Value), "%2F", "/"))
		}
	}
	curl := "curl"
	if p.Token {
		curl += ` -H "Authorization: Bearer $TOKEN"`
	}
	title := v.Title(&page{})
	if len(v.ops.Sizes()) > 0 {
		query = append(query, "name="+url.QueryEscape(title))
		return curl + " -X POST -T " + shellWord(title) + " " + shellWord(p.Origin+"/jobs?"+strings.Join(query, "&"))
	}
	return curl + " -T " + shellWord(title) + " " + shellWord(p.Origin+"/image?"+strings.Join(query, "&")) + " > " + shellWord("new-"+v.File())
}

// Imgput is the command line that does the same by imgput(1) and imgget(1).
func (v jobView) Imgput(p *page) string {
	server := " -a " + shellWord(p.Origin)
	if p.Token {
		server += ` -token "$IMGD_TOKEN_FILE"`
	}
	line := "imgput" + server
	for _, w := range v.ops {
		for _, f := range ops.FlagsFor(w) {
			line += " " + f.Name
			if f.Value != "" {
				line += " " + shellWord(f.Value)
			}
		}
	}
	return line + " " + shellWord(v.Title(&page{})) + " | imgget" + server + " -d ."
}

// Srcset is the line of HTML that offers the results of several sizes to a browser (HTML
// standard, "srcset attributes"), under their names and with the widths that they really
// have. Of results of one width it has the first. page/results.js makes the same line where names
// change in the archive of all results.
func (v jobView) Srcset() string {
	var parts []string
	seen := map[int]bool{}
	largest := v.Outs[0]
	for _, o := range v.Outs {
		if seen[o.Width] {
			continue
		}
		seen[o.Width] = true
		parts = append(parts, fmt.Sprintf("%s %dw", urlName(o.Name), o.Width))
		if o.Width > largest.Width {
			largest = o
		}
	}
	return fmt.Sprintf(`<img src="%s" srcset="%s" alt="">`, urlName(largest.Name), strings.Join(parts, ", "))
}

// urlName returns a file's name as a URL beside it, for an attribute of HTML: every byte
// but letters, digits and -_.~ is escaped.
func urlName(name string) string { return strings.ReplaceAll(url.QueryEscape(name), "+", "%20") }

// shellWord quotes a word for the shell where it needs it. A word that begins with a
// hyphen is made one that is no option.
func shellWord(s string) string {
	if strings.HasPrefix(s, "-") {
		s = "./" + s
	}
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:%") == "" && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(fault.Line(s), "'", `'\''`) + "'"
}
