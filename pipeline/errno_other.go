//go:build !unix

package pipeline

func isNotDir(error) bool   { return false }
func isReadOnly(error) bool { return false }
