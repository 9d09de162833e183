//go:build unix

package pipeline

import (
	"errors"
	"syscall"
)

func isNotDir(err error) bool   { return errors.Is(err, syscall.ENOTDIR) }
func isReadOnly(err error) bool { return errors.Is(err, syscall.EROFS) }
