package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

// s3Params is what the address of a bucket on S3 may hold, spelled as gocloud
// does.
var s3Params = []string{
	"accelerate", "anonymous", "disable_https", "dualstack", "endpoint", "fips", "kmskeyid", "profile", "region", "role",
	"request_checksum_calculation", "response_checksum_validation", "ssetype", "use_path_style",
}

// s3Client makes a client of the SDK's own configuration, of the environment
// and its files, and what the address says.
func s3Client(ctx context.Context, q url.Values, w *wire) (*s3.Client, error) {
	if q.Get("endpoint") != "" {
		// Other makers' servers are rarely reached by a bucket's own host name,
		// and many do not know the checksums that came later than their model.
		setDefault(q, "use_path_style", "true")
		setDefault(q, "request_checksum_calculation", "when_required")
		setDefault(q, "response_checksum_validation", "when_required")
	}
	flags, err := s3Flags(q)
	if err != nil {
		return nil, err
	}
	cfg, err := s3Config(ctx, q, flags, w)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" && q.Get("endpoint") != "" {
		cfg.Region = "us-east-1"
	}
	if cfg.Region == "" {
		return nil, &trouble{kind: Other, text: "no region is named", hints: []string{"add region=NAME to the address, or set AWS_REGION"}}
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, doubt)
		o.UsePathStyle = flags["use_path_style"]
		o.UseAccelerate = flags["accelerate"]
		o.EndpointOptions.DisableHTTPS = flags["disable_https"]
		if endpoint := q.Get("endpoint"); endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	}), nil
}

func setDefault(q url.Values, name, value string) {
	if !q.Has(name) {
		q.Set(name, value)
	}
}

func s3Flags(q url.Values) (map[string]bool, error) {
	flags := map[string]bool{}
	for _, name := range []string{"accelerate", "anonymous", "disable_https", "dualstack", "fips", "use_path_style"} {
		if text := q.Get(name); text != "" {
			on, err := strconv.ParseBool(text)
			if err != nil {
				return nil, fmt.Errorf("%s is neither true nor false", name)
			}
			flags[name] = on
		}
	}
	return flags, nil
}

func s3Config(ctx context.Context, q url.Values, flags map[string]bool, w *wire) (aws.Config, error) {
	opts := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(w.tune)),
		config.WithLogger(logging.Nop{}), // it would go to the user's terminal
		config.WithRegion(q.Get("region")),
		config.WithSharedConfigProfile(q.Get("profile")),
	}
	if flags["dualstack"] {
		opts = append(opts, config.WithUseDualStackEndpoint(aws.DualStackEndpointStateEnabled))
	}
	if flags["fips"] {
		opts = append(opts, config.WithUseFIPSEndpoint(aws.FIPSEndpointStateEnabled))
	}
	if flags["anonymous"] {
		opts = append(opts, config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	}
	more, err := s3Checksums(q)
	if err != nil {
		return aws.Config{}, err
	}
	cfg, err := config.LoadDefaultConfig(ctx, append(opts, more...)...)
	var profile config.SharedConfigProfileNotExistError
	switch {
	case errors.As(err, &profile):
		return cfg, noAWS(err)
	case err != nil:
		return cfg, err
	}
	if role := q.Get("role"); role != "" {
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), role))
	}
	// From here on, for what gets credentials may well try twice.
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	if !flags["anonymous"] {
		cfg.Credentials = &awsCredentials{cfg.Credentials}
	}
	return cfg, nil
}

// s3Checksums says when to use checksums, which is always unless told otherwise.
func s3Checksums(q url.Values) ([]func(*config.LoadOptions) error, error) {
	var opts []func(*config.LoadOptions) error
	switch text := strings.ToLower(q.Get("request_checksum_calculation")); text {
	case "":
	case "when_supported":
		opts = append(opts, config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenSupported))
	case "when_required":
		opts = append(opts, config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired))
	default:
		return nil, errors.New("request_checksum_calculation is neither when_supported nor when_required")
	}
	switch text := strings.ToLower(q.Get("response_checksum_validation")); text {
	case "":
	case "when_supported":
		opts = append(opts, config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenSupported))
	case "when_required":
		opts = append(opts, config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired))
	default:
		return nil, errors.New("response_checksum_validation is neither when_supported nor when_required")
	}
	return opts, nil
}

// awsCredentials tells when there are none.
type awsCredentials struct{ aws.CredentialsProvider }

func (c *awsCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := c.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = noAWS(err)
	}
	return creds, err
}

func noAWS(err error) error {
	return &trouble{kind: NoCredentials, text: "no credentials for S3: " + oneLine(err.Error()), err: err, hints: []string{
		"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with aws configure or aws sso login; AWS_PROFILE=NAME, or profile=NAME in the address, chooses one of several logins",
	}}
}
