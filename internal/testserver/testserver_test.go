package testserver

import (
	"testing"
)

func TestServersStartAgain(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *Server{"s3": S3, "azure": Azure, "gcs": GCS, "sftp": SFTP} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			s.Stop()
			s.Start()
		})
	}
}
