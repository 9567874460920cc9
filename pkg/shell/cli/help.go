package cli

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// widest is the largest width of the flag column. The help of a longer flag is not
// aligned with the rest.
const widest = 34

// Help returns what -h prints:
//
//	usage: imgd [-h] [-i IP]... [-p PORT]
//	serves gray and scale over HTTP
//	  -h, --help             this help
//	  -i IP, --ip IP         listening address (default localhost)
//	  -p PORT, --port PORT   port; 0 is any (default 8080)
func (f *Flags) Help() string {
	opts := append([]option{{short: "h", long: "help", help: "this help"}}, f.opts...)
	opts = append(opts, option{long: "version", help: "the version"})
	left := make([]string, len(opts))
	width := 0
	for i, o := range opts {
		left[i] = o.names()
		if n := utf8.RuneCountInString(left[i]); n <= widest {
			width = max(width, n)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", f.synopsis(), f.about)
	for i, o := range opts {
		fmt.Fprintf(&b, "  %-*s   %s", width, left[i], o.help)
		if o.def != "" {
			fmt.Fprintf(&b, " (default %s)", o.def)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// names returns "-i IP, --ip IP", "-fine" or "-o FILE, --output FILE".
func (o option) names() string {
	arg := ""
	if o.arg != "" {
		arg = " " + capitals(o.arg)
	}
	switch {
	case o.short == "":
		return "-" + o.long + arg
	case o.long == "":
		return "-" + o.short + arg
	}
	return "-" + o.short + arg + ", --" + o.long + arg
}

// synopsis returns the line "usage: name …".
func (f *Flags) synopsis() string {
	words := strings.Fields(f.derived() + " " + f.operands)
	for i := 1; i < len(words); i++ {
		flag := strings.TrimPrefix(words[i-1], "[")
		if !strings.HasPrefix(flag, "-") || strings.ContainsAny(flag, "]|.") {
			continue
		}
		arg := strings.TrimRight(words[i], "].")
		words[i] = capitals(arg) + words[i][len(arg):]
	}
	return strings.TrimRight("usage: "+f.name+" "+strings.Join(words, " "), " ")
}

// capitals returns a plain word in capitals and anything else, such as
// 601|709|luminance, as it is.
func capitals(s string) string {
	for _, c := range s {
		if c < 'a' || c > 'z' {
			return s
		}
	}
	return strings.ToUpper(s)
}
