package front

import (
	"maps"
	"net/http"
	"strconv"
	"strings"

	"imgtools/pkg/fault"
)

// language is one that the page speaks.
type language uint8

const (
	english language = iota
	spanish
)

// String returns its tag (BCP 47).
func (l language) String() string { return [...]string{"en", "es"}[l] }

// preferred returns the values of an Accept header that have the highest quality,
// the first of them first (RFC 9110 §12.4.2), with their parameters cut off.
func preferred(headers []string, known func(value string) bool) (value string, ok bool) {
	best := 0.0
	for part := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		params := strings.Split(part, ";")
		q := 1.0
		for _, p := range params[1:] {
			if v, ok := strings.CutPrefix(strings.TrimSpace(p), "q="); ok {
				var err error
				if q, err = strconv.ParseFloat(v, 64); err != nil {
					q = 0
				}
			}
		}
		if v := strings.ToLower(strings.TrimSpace(params[0])); q > best && known(v) {
			best, value, ok = q, v, true
		}
	}
	return value, ok
}

// languageOf returns the language that a request asks for by Accept-Language;
// English when it asks for none that we have.
func languageOf(r *http.Request) language {
	primary := func(tag string) string { tag, _, _ = strings.Cut(tag, "-"); return tag }
	tag, _ := preferred(r.Header.Values("Accept-Language"), func(v string) bool { return primary(v) == "en" || primary(v) == "es" })
	if primary(tag) == "es" {
		return spanish
	}
	return english
}

// words are the page's, in each language.
var words = map[string][2]string{
	"title":     {"imgtools: resize, crop, convert and gray pictures", "imgtools: redimensionar, recortar, convertir y pasar a gris imágenes"},
	"results":   {"results", "resultados"},
	"job":       {"job", "trabajo"},
	"colours":   {"Colours", "Colores"},
	"gray":      {"gray", "gris"},
	"luminance": {"luminance", "luminancia"},
	"asis":      {"keep", "conservar"},
	"size":      {"Size", "Tamaño"},
	"sizehint":  {"empty to keep it; or 1/4, 50%, 640x480, 1600x; several: 320x,640x", "vacío lo conserva; o 1/4, 50%, 640x480, 1600x; varios: 320x,640x"},
	"percent":   {"Size in percent", "Tamaño en porcentaje"},
	"more":      {"More options", "Más opciones"},
	"usual":     {"default", "por defecto"},
	"pictures":  {"Pictures", "Imágenes"},
	"drop":      {"Choose, drop or paste as many as you like.", "Elija, suelte o pegue tantas como quiera."},
	"send":      {"Send", "Enviar"},
	"all":       {"Download all (ZIP)", "Descargar todo (ZIP)"},
	"result":    {"result", "resultado"},
	"picture":   {"picture", "imagen"},
	"queued":    {"waiting", "en espera"},
	"running":   {"in progress", "en curso"},
	"working":   {"in progress", "en curso"},
	"done":      {"done", "hecho"},
	"failed":    {"failed", "fallido"},
	"gone":      {"gone", "eliminado"},
	"unknown":   {"unknown", "desconocido"},
	"place":     {"position", "posición"},
	"defaults":  {"Default settings", "Ajustes iniciales"},
	"download":  {"Download", "Descargar"},
	"delete":    {"Delete", "Borrar"},

	"noenlarge":      {"Never enlarge", "No ampliar nunca"},
	"byteshint":      {"at most 200K, 1M; empty for no limit", "como mucho 200K, 1M; vacío, sin límite"},
	"backgroundhint": {"a colour such as ff8000", "un color como ff8000"},
	"crophint":       {"empty for the whole picture; or 300x200, 300x200+10+20, 50%x50%", "vacío, toda la imagen; o 300x200, 300x200+10+20, 50%x50%"},
	"attention":      {"The most detailed part", "La parte con más detalle"},
	"point":          {"A point: across, down", "Un punto: horizontal, vertical"},
	"gravityhint": {"used to fill a box, and to crop without a position; for a point, click on a picture",
		"se usa al llenar un recuadro y al recortar sin posición; para un punto, haga clic en una imagen"},

	"fit inside":        {"fit inside it", "caber dentro"},
	"fit cover":         {"fill it, crop the rest", "llenarlo y recortar lo que sobra"},
	"fit pad":           {"fit inside, pad with background", "caber dentro y rellenar con el fondo"},
	"fit outside":       {"fill it, crop nothing", "llenarlo sin recortar nada"},
	"fit stretch":       {"stretch to it", "estirar hasta él"},
	"gravity northwest": {"top left", "arriba a la izquierda"},
	"gravity north":     {"top", "arriba"},
	"gravity northeast": {"top right", "arriba a la derecha"},
	"gravity west":      {"left", "izquierda"},
	"gravity center":    {"centre", "centro"},
	"gravity east":      {"right", "derecha"},
	"gravity southwest": {"bottom left", "abajo a la izquierda"},
	"gravity south":     {"bottom", "abajo"},
	"gravity southeast": {"bottom right", "abajo a la derecha"},

	// The options of package ops by their words.
	"option crop":        {"Crop", "Recortar"},
	"option fit":         {"In a box", "En un recuadro"},
	"option gravity":     {"Part to keep", "Parte que se conserva"},
	"option kernel":      {"Kernel", "Núcleo"},
	"option fast":        {"Faster, less fine", "Más rápido, menos fino"},
	"option linear":      {"In linear light", "En luz lineal"},
	"option background":  {"Background", "Fondo"},
	"option profile":     {"Colour profile", "Perfil de color"},
	"option keep":        {"Metadata", "Metadatos"},
	"option frame":       {"Frame or page", "Fotograma o página"},
	"option format":      {"Format", "Formato"},
	"option quality":     {"Quality", "Calidad"},
	"option progressive": {"Progressive JPEG", "JPEG progresivo"},
	"option bytes":       {"Largest file", "Tamaño máximo"},

	"srcset": {"For an HTML page", "Para una página HTML"},

	"shell": {"The same in a shell", "Lo mismo en una terminal"},
}

// bothWords are words of the page that its script uses, too.
var bothWords = []string{"queued", "running", "place"}

// scriptWords are those of the script alone.
var scriptWords = map[string][2]string{
	"retry":     {"Retry", "Reintentar"},
	"remove":    {"Remove", "Quitar"},
	"chosen":    {"chosen; set a size and send", "elegidas; escoja el tamaño y envíe"},
	"none":      {"No picture is chosen yet.", "Aún no hay ninguna imagen elegida."},
	"nopreview": {"this browser cannot show a preview", "este navegador no la puede mostrar"},
	"badsize":   {"Not a size: write 1/4, 50%, 640x480, 1600x, x1080 or 320x,640x", "No es un tamaño: escriba 1/4, 50%, 640x480, 1600x, x1080 o 320x,640x"},
	"cut":       {"Crop", "Recortar"},
	"whole":     {"Whole picture", "Toda la imagen"},
	"part":      {"Part to keep, in pixels", "Parte que se conserva, en píxeles"},
	"frame": {"Part to keep: arrow keys move it, Shift and arrow keys resize it, Escape removes it",
		"Parte que se conserva: las flechas la mueven, Mayús y flechas cambian su tamaño, Escape la quita"},
	"point":   {"Point", "Punto"},
	"upload":  {"uploading", "subiendo"},
	"away":    {"The server does not answer.", "El servidor no responde."},
	"busy":    {"The server has no room; retrying.", "El servidor no tiene sitio; se reintentará."},
	"before":  {"before", "antes"},
	"after":   {"after", "después"},
	"slider":  {"Before and after", "Antes y después"},
	"zipped":  {"pictures in one archive", "imágenes en un archivo"},
	"deleted": {"deleted", "borrada"},
}

// kindWords say what a kind of error means for a person. What exactly was wrong
// follows them, in English.
var kindWords = map[fault.Kind][2]string{
	fault.Internal:       {"Internal error.", "Error interno."},
	fault.Usage:          {"Invalid request.", "Petición no válida."},
	fault.Format:         {"Not a picture, or a damaged one.", "No es una imagen, o está dañada."},
	fault.Unsupported:    {"This kind of picture is not supported.", "Este tipo de imagen no es compatible."},
	fault.TooLarge:       {"Too large.", "Demasiado grande."},
	fault.Timeout:        {"It took too long.", "Ha tardado demasiado."},
	fault.Busy:           {"The server is busy. Try again.", "Hay demasiado trabajo; inténtelo de nuevo."},
	fault.Full:           {"The server is full. Try again later.", "No hay sitio por ahora; inténtelo más tarde."},
	fault.Unauthorized:   {"A token is needed.", "Hace falta un token."},
	fault.Forbidden:      {"Not allowed.", "No está permitido."},
	fault.NotFound:       {"Not found.", "No existe."},
	fault.Method:         {"Method not allowed.", "Método no permitido."},
	fault.RequestTimeout: {"The upload was too slow.", "La subida ha sido demasiado lenta."},
	fault.Conflict:       {"This id is already in use.", "Este identificador está ocupado."},
	fault.Gone:           {"Expired or deleted.", "Caducado o borrado."},
	fault.Misdirected:    {"This server does not have that name.", "Este servidor no se llama así."},
}

// script returns what the page's script reads.
func (l language) script() map[string]any {
	all := map[string]any{}
	for k, v := range scriptWords {
		all[k] = v[l]
	}
	for _, k := range bothWords {
		all[k] = words[k][l]
	}
	kinds := map[string]string{}
	for k := range maps.Keys(kindWords) {
		kinds[k.String()] = kindWords[k][l]
	}
	all["kinds"] = kinds
	return all
}
