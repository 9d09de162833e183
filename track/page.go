package track

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// OffsetToken is the token of the page that starts at an offset, as MLflow's server
// writes it.
func OffsetToken(offset int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, `{"offset": %d}`, offset))
}

// ParseOffset reads what [OffsetToken] writes; "" is the first page.
func ParseOffset(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	b, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return 0, Errorf(InvalidParameter, "Invalid page token, could not base64-decode")
	}
	var t struct{ Offset int }
	if err := json.Unmarshal(b, &t); err != nil {
		return 0, Errorf(InvalidParameter, "Invalid page token, decoded value=%q", b)
	}
	if t.Offset <= 0 {
		return 0, Errorf(InvalidParameter, "Invalid page token, parsed value=%s", b)
	}
	return t.Offset, nil
}
