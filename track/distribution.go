package track

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
)

// maxDistribution bounds the text of a distribution, in bytes.
const maxDistribution = 1 << 20

// Distribution is which values a parameter of a trial may have.
type Distribution struct {
	Name    string            // Optuna's name of the class, such as FloatDistribution
	Log     bool              // of numbers
	Choices []json.RawMessage // of a CategoricalDistribution; see [Special]
}

// Special is what comes before NaN, Infinity and -Infinity in the texts by which
// these numbers, which JSON lacks, are told in the choices of a [Distribution].
const Special = "\x01"

// categorical is the class of a distribution that has choices.
const categorical = "CategoricalDistribution"

// ParseDistribution reads a distribution as Optuna writes it.
func ParseDistribution(text string) (Distribution, error) {
	if len(text) > maxDistribution {
		return Distribution{}, Errorf(InvalidParameter, "a distribution of %d bytes is too long", len(text))
	}
	var d struct {
		Name       string
		Attributes struct {
			Log     bool
			Choices []json.RawMessage
		}
	}
	if err := json.Unmarshal(quoteSpecial([]byte(text)), &d); err != nil {
		return Distribution{}, &Error{Code: InvalidParameter, Message: "a distribution that cannot be read", Err: err}
	}
	if d.Name == "" {
		return Distribution{}, Errorf(InvalidParameter, "a distribution without a name: %s", Clip(text, 100))
	}
	if d.Name == categorical && len(d.Attributes.Choices) == 0 {
		return Distribution{}, Errorf(InvalidParameter, "a %s without choices", categorical)
	}
	return Distribution{d.Name, d.Attributes.Log, d.Attributes.Choices}, nil
}

// quoteSpecial makes texts of the numbers that Python writes and JSON lacks.
func quoteSpecial(b []byte) []byte {
	if !bytes.Contains(b, []byte("NaN")) && !bytes.Contains(b, []byte("Infinity")) {
		return b
	}
	var out []byte
	inText := false
	for len(b) > 0 {
		n := 1
		switch special := specialAt(b); {
		case inText && b[0] == '\\' && len(b) > 1:
			n = 2
		case b[0] == '"':
			inText = !inText
		case !inText && special != "":
			out = append(append(append(out, `"\u0001`...), special...), '"')
			b = b[len(special):]
			continue
		}
		out = append(out, b[:n]...)
		b = b[n:]
	}
	return out
}

func specialAt(b []byte) string {
	for _, s := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(b, []byte(s)) {
			return s
		}
	}
	return ""
}

// CheckAttr reports what is wrong with an attribute of a study or a trial.
func CheckAttr(a Attr) error {
	if !json.Valid(quoteSpecial([]byte(a.Value))) {
		return Errorf(InvalidParameter, "the attribute %q is not JSON: %s", Clip(a.Key, 100), Clip(a.Value, 100))
	}
	return nil
}

// Holds reports what is wrong with a value of a parameter.
func (d *Distribution) Holds(value float64) error {
	if d.Name != categorical {
		return nil
	}
	if value != math.Trunc(value) || value < 0 || value >= float64(len(d.Choices)) {
		return Errorf(InvalidParameter, "%v is no index of one of %d choices", value, len(d.Choices))
	}
	return nil
}

// Compatible reports why a parameter that had one distribution cannot have another
// in the same study: ranges may change, kinds and choices may not.
func (d *Distribution) Compatible(with *Distribution) error {
	switch {
	case d.Name != with.Name:
		return Errorf(InvalidParameter, "Cannot set different distribution kind to the same parameter name.")
	case d.Log != with.Log:
		return Errorf(InvalidParameter, "Cannot set different log configuration to the same parameter name.")
	case !slices.EqualFunc(d.Choices, with.Choices, sameChoice):
		return Errorf(InvalidParameter, "%s does not support dynamic value space.", categorical)
	}
	return nil
}

// sameChoice compares as Python does, where True equals 1 and 1 equals 1.0; only
// that NaN equals NaN.
func sameChoice(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, isX := choiceNumber(a)
	y, isY := choiceNumber(b)
	if isX || isY {
		return isX && isY && x == y && !(isInteger(a) && isInteger(b))
	}
	var p, q any
	return json.Unmarshal(a, &p) == nil && json.Unmarshal(b, &q) == nil && sameJSON(p, q)
}

// sameJSON compares texts, nothing, and the lists and tables that Optuna warns of.
func sameJSON(p, q any) bool {
	x, err := json.Marshal(p)
	if err != nil {
		return false
	}
	y, err := json.Marshal(q)
	return err == nil && bytes.Equal(x, y)
}

func choiceNumber(b json.RawMessage) (float64, bool) {
	switch string(b) {
	case "true":
		return 1, true
	case "false":
		return 0, true
	}
	f, err := strconv.ParseFloat(string(b), 64)
	return f, err == nil
}

// isInteger reports whether a number is written as an integer. Two that are written
// differently differ, also where they are too large for a float64.
func isInteger(b json.RawMessage) bool {
	return !bytes.ContainsAny(b, ".eE") && b[0] != 't' && b[0] != 'f'
}
