package testserver

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Bucket is the name of the bucket that the URL of a server of a cloud is of.
const Bucket = "xt-test"

// S3 runs versitygw.
func S3(t testing.TB) *Server {
	t.Helper()
	program := need(t, versitygw)
	s := &Server{Addr: freeAddr(t), Dir: t.TempDir(), at: s3At}
	s.command = func() *exec.Cmd {
		cmd := exec.Command(program, "--port", s.Addr, "--quiet", "--keep-alive", "posix", s.Dir)
		cmd.Dir = s.Dir
		cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY=xttest", "ROOT_SECRET_KEY=xttestsecret")
		return cmd
	}
	launch(t, s)
	S3Bucket(t, s, Bucket)
	return s
}

func s3At(addr string) (string, []string) {
	return "s3://" + Bucket + "/some/prefix?endpoint=http://" + addr, []string{
		"AWS_ACCESS_KEY_ID=xttest", "AWS_SECRET_ACCESS_KEY=xttestsecret", "AWS_SESSION_TOKEN=",
		"AWS_PROFILE=", "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
	}
}

// S3Client is a client of a server from [S3], for what xt doesn't do.
func S3Client(s *Server) *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://" + s.Addr), UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "xttest", SecretAccessKey: "xttestsecret"}, nil
		}),
	})
}

// S3Bucket makes a bucket.
func S3Bucket(t testing.TB, s *Server, name string) {
	t.Helper()
	if _, err := S3Client(s).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
}

// The account that Azurite knows, which Microsoft has published.
const (
	azureAccount = "devstoreaccount1"
	azureKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// Azure runs Azurite.
func Azure(t testing.TB) *Server {
	t.Helper()
	pkg := need(t, azurite)
	node := need(t, nodeCommand)
	s := &Server{Addr: freeAddr(t), Dir: t.TempDir(), at: azureAt, grace: 2 * time.Second}
	s.command = func() *exec.Cmd {
		cmd := exec.Command(node, filepath.Join(pkg, "dist", "src", "blob", "main.js"), "--silent", "--disableTelemetry",
			"--skipApiVersionCheck", "--blobHost", "127.0.0.1", "--blobPort", port(s.Addr), "--location", s.Dir)
		cmd.Dir = s.Dir
		return cmd
	}
	launch(t, s)
	AzureContainer(t, s, Bucket)
	return s
}

func azureAt(addr string) (string, []string) {
	return "azblob://" + Bucket + "/some/prefix", []string{
		"AZURE_STORAGE_ACCOUNT=" + azureAccount, "AZURE_STORAGE_KEY=" + azureKey, "AZURE_STORAGE_SAS_TOKEN=",
		"AZURE_STORAGE_CONNECTION_STRING=", "AZURE_STORAGE_PROTOCOL=http", "AZURE_STORAGE_DOMAIN=" + addr,
		"AZURE_STORAGE_IS_LOCAL_EMULATOR=true",
	}
}

// AzureContainer makes a container.
func AzureContainer(t testing.TB, s *Server, name string) {
	t.Helper()
	cred, err := container.NewSharedKeyCredential(azureAccount, azureKey)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(fmt.Sprintf("http://%s/%s/%s", s.Addr, azureAccount, name), cred, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

// GCS runs fake-gcs-server.
func GCS(t testing.TB) *Server {
	t.Helper()
	program := need(t, fakeGCS)
	s := &Server{Addr: freeAddr(t), Dir: t.TempDir(), at: gcsAt}
	s.command = func() *exec.Cmd {
		cmd := exec.Command(program, "-scheme", "http", "-host", "127.0.0.1", "-port", port(s.Addr), "-backend", "filesystem",
			"-filesystem-root", s.Dir, "-public-host", s.Addr, "-external-url", "http://"+s.Addr)
		cmd.Dir = s.Dir
		return cmd
	}
	launch(t, s)
	GCSBucket(t, s, Bucket)
	return s
}

func gcsAt(addr string) (string, []string) {
	return "gs://" + Bucket + "/some/prefix", []string{"STORAGE_EMULATOR_HOST=" + addr}
}

// GCSBucket makes a bucket.
func GCSBucket(t testing.TB, s *Server, name string) {
	t.Helper()
	answer, err := http.Post("http://"+s.Addr+"/storage/v1/b?project=p", "application/json", strings.NewReader(fmt.Sprintf(`{"name": %q}`, name)))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("make a bucket: %s", answer.Status)
	}
}

// setenv is [testing.TB.Setenv] for KEY=VALUE.
func setenv(t testing.TB, env []string) {
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
}
