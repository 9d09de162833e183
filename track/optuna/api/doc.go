// Package api is the wire format of Optuna's storage service, generated from
// storage.proto.
//
// To generate it anew, with protoc from PyPI's grpcio-tools:
//
//	go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12
//	go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2
//	go generate ./track/optuna/api
package api

//go:generate uv run --no-project --with grpcio-tools==1.85.1 python -m grpc_tools.protoc -I. --go_out=paths=source_relative:. --go-grpc_out=paths=source_relative:. storage.proto
