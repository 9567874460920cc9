package front

import (
	"net/url"
	"strings"

	"imgtools/pkg/fault"
	"imgtools/pkg/ops"
)

// Curl is the line of shell that does the same over HTTP. It writes a file of
// another name than the picture's.
func (v jobView) Curl(p *page) string {
	var query []string
	for _, w := range v.ops.Words() {
		switch {
		case w.Key == "name":
		case w.Key == "gray" && w.Value == ops.Lumas[0], w.Value == "1" && (w.Key == "fine" || w.Key == "linear"):
			query = append(query, w.Key)
		default:
			query = append(query, w.Key+"="+strings.ReplaceAll(url.QueryEscape(w.Value), "%2F", "/"))
		}
	}
	curl := "curl"
	if p.Token {
		curl += ` -H "Authorization: Bearer $TOKEN"`
	}
	return curl + " -T " + shellWord(v.Title(&page{})) + " " + shellWord(p.Origin+"/image?"+strings.Join(query, "&")) + " > " + shellWord("new-"+v.File())
}

// Imgput is the line of shell that does the same by imgput(1) and imgget(1).
func (v jobView) Imgput(p *page) string {
	server := " -a " + shellWord(p.Origin)
	if p.Token {
		server += ` -token "$IMGD_TOKEN_FILE"`
	}
	line := "imgput" + server
	for _, w := range v.ops.Words() {
		switch w.Key {
		case "gray":
			line += " -g"
			if w.Value != ops.Lumas[0] {
				line += " -l " + w.Value
			}
		case "scale":
			line += " -s " + shellWord(w.Value)
		case "kernel":
			line += " -k " + w.Value
		case "fine", "linear":
			line += " -" + w.Key
		case "format":
			line += " -f " + w.Value
		case "quality":
			line += " -q " + w.Value
		}
	}
	return line + " " + shellWord(v.Title(&page{})) + " | imgget" + server + " -d ."
}

// shellWord quotes a word for the shell where it needs it. A leading hyphen is no
// option then.
func shellWord(s string) string {
	if strings.HasPrefix(s, "-") {
		s = "./" + s
	}
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:%") == "" && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(fault.Line(s), "'", `'\''`) + "'"
}
