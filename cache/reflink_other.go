//go:build !linux

package cache

import "errors"

// clone is for file systems that can share blocks. Elsewhere the object is
// copied.
func (w *draft) clone(*source) error { return errors.ErrUnsupported }
