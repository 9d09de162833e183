package offline

import (
	"errors"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// errMessage says that a record is no message.
var errMessage = errors.New("it is no message of protocol buffers")

// field is one field of a message.
type field struct {
	number protowire.Number
	bytes  []byte // of texts and messages
	bits   uint64 // of numbers
}

func (f *field) text() string   { return string(f.bytes) }
func (f *field) int() int64     { return int64(f.bits) }
func (f *field) sint() int64    { return protowire.DecodeZigZag(f.bits) }
func (f *field) float() float64 { return math.Float64frombits(f.bits) }

// fields calls f for each field of a message, until it has an error.
func fields(message []byte, f func(*field) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errMessage
		}
		message = message[n:]
		x := field{number: number}
		switch kind {
		case protowire.BytesType:
			x.bytes, n = protowire.ConsumeBytes(message)
		case protowire.VarintType:
			x.bits, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			x.bits, n = protowire.ConsumeFixed64(message)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return errMessage
		}
		message = message[n:]
		if err := f(&x); err != nil {
			return err
		}
	}
	return nil
}

// texts returns the texts of some fields of a message, by number.
func texts(message []byte, to map[protowire.Number]*string) error {
	return fields(message, func(f *field) error {
		if s := to[f.number]; s != nil {
			*s = f.text()
		}
		return nil
	})
}
