package sql

import (
	"database/sql/driver"
	"fmt"
	"regexp"
	"sync"

	"modernc.org/sqlite"
)

// registerRegexp gives SQLite the function behind REGEXP.
var registerRegexp = sync.OnceValue(func() error {
	var cache sync.Map // pattern -> *regexp.Regexp
	return sqlite.RegisterDeterministicScalarFunction("regexp", 2, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		pattern, ok1 := args[0].(string)
		text, ok2 := args[1].(string)
		if !ok1 || !ok2 {
			return int64(0), nil
		}
		r, ok := cache.Load(pattern)
		if !ok {
			compiled, err := regexp.Compile(pattern)
			if err != nil {
				return nil, fmt.Errorf("regular expression: %w", err)
			}
			cache.Clear() // of the last search
			cache.Store(pattern, compiled)
			r = compiled
		}
		return bit(r.(*regexp.Regexp).MatchString(text)), nil
	})
})
