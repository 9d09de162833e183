package main

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/xtrepro/xt/track/access"
	"github.com/xtrepro/xt/track/optuna/api"
)

// TestServeGRPC asks for studies with TLS, and with tokens of each kind.
func TestServeGRPC(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("a-secret-of-the-server\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, cert, key := certificate(t)
	s := startServe(t, "--token-file", file, "--tls-cert", cert, "--tls-key", key)
	reader, err := access.AddToken(filepath.Join(s.dir, "runs.db.tokens"), "bob", access.Read)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(strings.TrimPrefix(s.url, "https://"), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := api.NewStorageServiceClient(conn)
	as := func(token string) context.Context {
		return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
	}
	for range 100 { // the server looks once a second for new tokens
		if _, err := client.GetAllStudies(as(reader), &api.GetAllStudiesRequest{}); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	for token, want := range map[string][2]codes.Code{
		"a-secret-of-the-server": {codes.OK, codes.OK}, reader: {codes.OK, codes.PermissionDenied}, "nonsense": {codes.Unauthenticated, codes.Unauthenticated},
	} {
		_, reads := client.GetAllStudies(as(token), &api.GetAllStudiesRequest{})
		_, writes := client.CreateNewStudy(as(token), &api.CreateNewStudyRequest{StudyName: "s", Directions: []api.StudyDirection{0}})
		if got := [2]codes.Code{status.Code(reads), status.Code(writes)}; got != want {
			t.Errorf("with %s: %v, %v", token, reads, writes)
		}
	}
}
