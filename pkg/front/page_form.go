package front

import (
	"slices"
	"strconv"
	"strings"

	"imgtools/pkg/format"
	"imgtools/pkg/geometry"
	"imgtools/pkg/ops"
)

// field is an input of the page's form for one option of package ops.
type field struct {
	Key    string
	Of     string // the words that it belongs to, with a value or any; without one of them the field is not sent
	Label  string
	Help   string   // a tooltip, in English
	Values []string // for a select; the first is the default
	Switch bool     // for a check box
	Number bool     // for a number
	Usual  string   // what holds when the field is left empty
}

// ownInputs are the options that have inputs of their own in the template, beside gray
// with its luma, and scale.
var ownInputs = []string{"crop", "fit", "enlarge", "gravity", "background", "bytes"}

// Fields returns the form's inputs for all options that have none of their own in the
// template.
func (p *page) Fields() []field {
	var fields []field
	for _, opt := range ops.All() {
		if opt.Label || opt.Sets != "" || opt.Opposite != "" || opt.Daemon != "" || slices.Contains(ownInputs, opt.Key) {
			continue
		}
		f := field{Key: opt.Key, Of: belongsTo(opt), Label: p.T("option " + opt.Key), Help: opt.Help, Switch: opt.Switch(), Usual: opt.Usual()}
		if f.Label == "" {
			f.Label = opt.Key
		}
		if opt.Values != nil {
			f.Values = opt.Values()
		}
		f.Number = opt.Number
		f.Usual, _, _ = strings.Cut(f.Usual, ";") // the value without what is said of it in English
		if opt.Key == "quality" {
			f.Usual = ""
			for i, q := range format.WithQuality() {
				f.Usual += []string{"", ", "}[min(i, 1)] + q.Title + " " + strconv.Itoa(q.Quality)
			}
		}
		fields = append(fields, f)
	}
	return fields
}

// belongsTo returns the words that an option belongs to. Where the picture decides the
// format to write, fast may have nothing to do, which is an error: the page sends it only
// where it surely has.
func belongsTo(opt ops.Option) string {
	if !opt.Alone {
		return opt.Of
	}
	of := opt.Of + " crop format=" + ops.Auto
	for _, f := range format.WithQuality() {
		of += " format=" + f.Name
	}
	return of
}

// choice is a value of a select and its name.
type choice struct{ Value, Name string }

// Grays returns the ways to make gray.
func (p *page) Grays() []choice {
	var grays []choice
	for _, luma := range ops.Lumas() {
		name := p.T(luma)
		if name == "" { // a number is a recommendation of the ITU-R
			name = "Rec. " + luma
		}
		grays = append(grays, choice{luma, p.T("gray") + " (" + name + ")"})
	}
	return grays
}

// Fits returns what a box can mean. The first, which holds when none is chosen, has no
// value.
func (p *page) Fits() []choice {
	var fits []choice
	for _, fit := range geometry.Fits() {
		fits = append(fits, choice{fit, p.T("fit " + fit)})
	}
	fits[0].Value = ""
	return fits
}

// Directions returns the nine named gravities in the order of a grid, the rows from the
// top. The centre, which holds when none is chosen, has no value.
func (p *page) Directions() []choice {
	var grid []choice
	for _, name := range geometry.Grid() {
		value := name
		if name == geometry.Center {
			value = ""
		}
		grid = append(grid, choice{value, p.T("gravity " + name)})
	}
	return grid
}

// flagWords is what page/request.js knows of a word's flag.
type flagWords struct {
	Flag   string `json:"flag"`
	Switch bool   `json:"switch,omitempty"`
	Usual  string `json:"usual,omitempty"`  // of a switch: the value that needs no flag
	Setter string `json:"setter,omitempty"` // of a switch: the flag for another value
}

// known returns what page/request.js knows of imgd and imgput: the flag of each word, the
// extensions of each format that is written, and whether a token is needed.
func (p *page) known() map[string]any {
	flags, exts := map[string]flagWords{}, map[string][]string{}
	for _, opt := range ops.All() {
		if opt.Label || opt.Internal {
			continue
		}
		f := flagWords{Switch: opt.Switch()}
		said := ops.FlagsFor(ops.Word{Key: opt.Key, Value: "another"})
		f.Flag = said[0].Name
		if f.Switch {
			f.Usual = opt.Usual()
		}
		if len(said) > 1 {
			f.Setter = said[1].Name
		}
		flags[opt.Key] = f
	}
	for _, f := range format.All() {
		if f.Write {
			exts[f.Name] = f.Exts
		}
	}
	return map[string]any{"flags": flags, "exts": exts, "token": p.Token}
}

// Accept returns what the file picker offers: what the browser takes for pictures, and
// the extensions of formats that it may not know. HEIC and AVIF are offered while heifd
// decodes them: a telephone that is not offered HEIC sends JPEG.
func (p *page) Accept() string {
	accept := []string{"image/*"}
	for _, f := range format.All() {
		if f.Read && !f.Browser {
			accept = append(accept, extensions(f)...)
		}
	}
	for _, f := range p.Decoded {
		accept = append(append(accept, f.Media), extensions(f)...)
	}
	return strings.Join(accept, ",")
}

// extensions returns those of a format with their points.
func extensions(f format.Format) (list []string) {
	for _, ext := range f.Exts {
		list = append(list, "."+ext)
	}
	return list
}

// opsLines describes the words of a request for GET / as text, within 80 columns:
//
//	OPS: gray[=601|709|luminance] scale=GEOMETRY fine
func opsLines() string {
	const indent = "     "
	line, text := "OPS:", ""
	for _, opt := range ops.All() {
		word := opt.Key
		switch {
		case opt.Internal:
			continue
		case opt.Daemon != "" && opt.Switch():
			word += "[=" + strings.Join(opt.Values(), "|") + "]"
		case opt.Switch() || opt.Sets != "":
		case opt.Values != nil:
			word += "=" + strings.ToUpper(opt.Arg)
		case opt.Label:
			word += "=TEXT"
		default:
			word += "=" + strings.ToUpper(opt.Arg)
		}
		if opt.Sets != "" {
			continue // gray=709 says the same
		}
		if len(line)+1+len(word) > 80 {
			text += line + "\n"
			line = indent[:4]
		}
		line += " " + word
	}
	text += line + "\n"
	for _, opt := range ops.All() {
		if opt.Values != nil && opt.Daemon == "" && opt.Sets == "" {
			text += strings.ToUpper(opt.Arg) + ": " + strings.Join(opt.Values(), " ") + "\n"
		}
	}
	for _, f := range format.WithQuality() {
		text += "QUALITY: 1 to 100; " + strconv.Itoa(f.Quality) + " is the default of " + f.Name + "\n"
	}
	return text
}
