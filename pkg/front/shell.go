package front

import (
	"net/url"
	"strings"

	"imgtools/pkg/ops"
)

// Curl is the line of shell that does the same over HTTP. It writes a file of
// another name than the picture's.
func (v jobView) Curl(origin string) string {
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
	return "curl -T " + shellWord(v.Title(&page{})) + " " + shellWord(origin+"/image?"+strings.Join(query, "&")) + " > " + shellWord("new-"+v.File())
}

// Imgput is the line of shell that does the same by imgput(1) and imgget(1).
func (v jobView) Imgput(origin string) string {
	line := "imgput -a " + shellWord(origin)
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
	return line + " " + shellWord(v.Title(&page{})) + " | imgget -a " + shellWord(origin) + " -d ."
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
	return "'" + strings.ReplaceAll(oneLine(s), "'", `'\''`) + "'"
}
