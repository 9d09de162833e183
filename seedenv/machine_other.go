//go:build !linux && !darwin

package seedenv

import "os"

func systemFacts() map[string]string {
	return map[string]string{"cpu": os.Getenv("PROCESSOR_IDENTIFIER")}
}
