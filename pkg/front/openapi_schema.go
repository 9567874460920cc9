package front

import (
	"reflect"
	"strings"
	"time"
)

// schemas are the Schema Objects of the document's components, by the names of the Go
// types that they derive from.
type schemas map[string]object

// of returns a reference to the schema of a value's type, which it adds.
func (s schemas) of(v any) object { return s.schema(reflect.TypeOf(v)) }

// schema returns the schema of what package encoding/json writes for a type. A member
// without omitempty is required. The tag schema:"NAME" gives a string the values of
// enums[NAME].
func (s schemas) schema(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Pointer:
		return s.schema(t.Elem())
	case t.Kind() == reflect.Slice:
		return object{"type": "array", "items": s.schema(t.Elem())}
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case t.Kind() == reflect.String:
		return object{"type": "string"}
	case t.Kind() == reflect.Float64:
		return object{"type": "number"}
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return object{"type": "integer"}
	case t.Kind() != reflect.Struct:
		panic("no schema for " + t.String()) // a test makes the document
	}
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	if _, known := s[name]; !known {
		members, required := object{}, []string{}
		s[name] = object{"type": "object", "properties": members}
		for f := range t.Fields() {
			key, option, _ := strings.Cut(f.Tag.Get("json"), ",")
			if key == "" {
				continue
			}
			member := s.schema(f.Type)
			if enum := f.Tag.Get("schema"); enum != "" {
				member = object{"type": "string", "enum": enums[enum]()}
			}
			members[key] = member
			if option == "" {
				required = append(required, key)
			}
		}
		s[name]["required"] = required
	}
	return object{"$ref": "#/components/schemas/" + name}
}
