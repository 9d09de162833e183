package store

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	azblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"gocloud.dev/blob"
	"gocloud.dev/blob/azureblob"
)

// azureParams is what the address of a container may hold, spelled as gocloud
// does.
var azureParams = []string{"cdn", "domain", "localemu", "protocol", "storage_account"}

func openAzure(ctx context.Context, u *url.URL, w *wire) (driver, error) {
	service, err := azureService(u.Query())
	if err != nil {
		return nil, err
	}
	address, err := azureblob.NewServiceURL(service)
	if err != nil {
		return nil, err
	}
	client, err := azureClient(string(address), u.Host, service, w)
	if err != nil {
		return nil, err
	}
	b, err := azureblob.OpenBucket(ctx, client, nil)
	if err != nil {
		return nil, err
	}
	return &cloud{bucket: b, prefix: prefixOf(u), sdk: &azureSDK{client: client}}, nil
}

// azureService says which service is meant: by the environment, and by q,
// which goes before it.
func azureService(q url.Values) (*azureblob.ServiceURLOptions, error) {
	o := azureblob.NewDefaultServiceURLOptions()
	token := o.SASToken != ""
	for name := range q {
		value := q.Get(name)
		var err error
		switch name {
		case "storage_account":
			o.AccountName = value
		case "domain":
			o.StorageDomain = value
		case "protocol":
			o.Protocol = value
		case "cdn":
			o.IsCDN, err = strconv.ParseBool(value)
		case "localemu":
			o.IsLocalEmulator, err = strconv.ParseBool(value)
		}
		if err != nil {
			return nil, errors.New(name + " is neither true nor false")
		}
		if token && name != "storage_account" {
			// The token is a part of the URL, and would go to whoever wrote the address.
			return nil, errors.New(name + " must not be in the address when AZURE_STORAGE_SAS_TOKEN is set")
		}
	}
	if o.AccountName == "" {
		return nil, &trouble{kind: NoCredentials, text: "no storage account is named", hints: []string{
			"set AZURE_STORAGE_ACCOUNT, or add storage_account=NAME to the address",
		}}
	}
	return o, nil
}

// azureClient makes a client with the credentials of the environment, as
// gocloud does, but over the wire and without retries.
func azureClient(address, name string, service *azureblob.ServiceURLOptions, w *wire) (*container.Client, error) {
	where, err := url.JoinPath(address, name)
	if err != nil {
		return nil, err
	}
	core := azcore.ClientOptions{Transport: w.client(), Retry: policy.RetryOptions{MaxRetries: -1}}
	opts := &container.ClientOptions{ClientOptions: core}
	if account, key := os.Getenv("AZURE_STORAGE_ACCOUNT"), os.Getenv("AZURE_STORAGE_KEY"); account != "" && key != "" {
		cred, err := container.NewSharedKeyCredential(account, key)
		if err != nil {
			return nil, &trouble{kind: Denied, text: "AZURE_STORAGE_KEY: " + oneLine(err.Error()), err: err}
		}
		return container.NewClientWithSharedKeyCredential(where, cred, opts)
	}
	if service.SASToken != "" {
		return container.NewClientWithNoCredential(where, opts)
	}
	for _, variable := range []string{"AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGEBLOB_CONNECTIONSTRING"} {
		if text := os.Getenv(variable); text != "" {
			return container.NewClientFromConnectionString(text, name, opts)
		}
	}
	cred, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: w.client()},
	})
	if err != nil {
		return nil, noAzure(err)
	}
	return container.NewClient(where, &azureCredential{cred}, opts)
}

// azureCredential tells when there is none.
type azureCredential struct{ azcore.TokenCredential }

func (c *azureCredential) GetToken(ctx context.Context, opts policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := c.TokenCredential.GetToken(ctx, opts)
	if err != nil && ctx.Err() == nil {
		err = noAzure(err)
	}
	return token, err
}

func noAzure(err error) error {
	// What follows the first line is what each of a dozen ways had to say.
	text, _, _ := strings.Cut(err.Error(), "\n")
	return &trouble{kind: NoCredentials, text: "no credentials for Azure: " + oneLine(text), err: err, hints: []string{
		"set AZURE_STORAGE_ACCOUNT with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or log in with az login",
	}}
}

// azureSDK is Azure's part of a [cloud].
type azureSDK struct{ client *container.Client }

func (s *azureSDK) put(ctx context.Context, key string, data []byte, create bool) error {
	kind := contentType
	opts := &blockblob.UploadOptions{HTTPHeaders: &azblob.HTTPHeaders{BlobContentType: &kind}}
	if create {
		anyETag := azcore.ETagAny
		opts.AccessConditions = &azblob.AccessConditions{
			ModifiedAccessConditions: &azblob.ModifiedAccessConditions{IfNoneMatch: &anyETag},
		}
	}
	_, err := s.client.NewBlockBlobClient(key).Upload(ctx, streaming.NopCloser(bytes.NewReader(data)), opts)
	return err
}

func (s *azureSDK) version(as func(any) bool) string {
	var o container.BlobItem
	if as(&o) && o.Properties != nil && o.Properties.ETag != nil {
		return string(*o.Properties.ETag)
	}
	return ""
}

func (s *azureSDK) part(r *blob.Reader) string {
	var o azblob.DownloadStreamResponse
	if r.As(&o) && o.ContentRange != nil {
		return *o.ContentRange
	}
	return ""
}

func (s *azureSDK) beforeList(func(any) bool) error { return nil }
