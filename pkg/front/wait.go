package front

import (
	"time"

	"imgtools/pkg/fault"
	"imgtools/pkg/limits"
	"imgtools/pkg/ops"
)

// take removes all words with the given key and returns their values.
func take(words []ops.Word, key string) (values []string, rest []ops.Word) {
	for _, w := range words {
		if w.Key == key {
			values = append(values, w.Value)
		} else {
			rest = append(rest, w)
		}
	}
	return values, rest
}

// parseWait reads a query in which there may be wait, and nothing else.
func parseWait(raw string) (time.Duration, error) {
	words, err := ops.ParseQuery(raw)
	if err != nil {
		return 0, err
	}
	return waitOf(words)
}

// waitOf returns the time of the word wait, the only one there may be.
func waitOf(words []ops.Word) (time.Duration, error) {
	values, rest := take(words, "wait")
	switch {
	case len(rest) > 0:
		return 0, fault.New(fault.Usage, "unknown word %s", fault.Quote(rest[0].Key))
	case len(values) == 0:
		return 0, nil
	case len(values) > 1:
		return 0, fault.New(fault.Usage, "wait is given twice")
	case values[0] == "":
		return limits.Wait, nil
	}
	d, err := limits.ParseTime(values[0])
	if err != nil {
		return 0, fault.New(fault.Usage, "wait %s: %w", fault.Quote(values[0]), err)
	}
	return min(d, limits.Wait), nil
}
