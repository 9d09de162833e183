package attest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	provenance "github.com/in-toto/attestation/go/predicates/provenance/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/xtrepro/xt/hash"
	"github.com/xtrepro/xt/lock"
)

// The types of the predicates, and how the build type of xt's provenance and the
// builder are called.
const (
	ProvenanceType = "https://slsa.dev/provenance/v1"
	TestResultType = "https://in-toto.io/attestation/test-result/v0.1"
	BuildType      = "https://github.com/xtrepro/xt/blob/main/docs/evidence.md#stage-v1"
	BuilderID      = "https://github.com/xtrepro/xt"
)

// The names of digests: the one of a file is what b3sum prints.
const (
	fileDigest        = "blake3"
	treeDigest        = "xtTree"
	environmentDigest = "xtEnvironment"
	fingerprintDigest = "xtFingerprint"
)

// Run is when something was done, and by which version of xt.
type Run struct {
	Started, Finished time.Time
	Version           string
}

// Execution returns the statement that running the stage of an entry of xt.lock
// made its outputs. SHA-256 digests of files among them, by path, are for
// programs that know no others.
func Execution(e *lock.Stage, env *lock.Environment, run Run, sha256 map[string]string) (*intoto.Statement, error) {
	external, err := structpb.NewStruct(parameters(e))
	if err != nil {
		return nil, err
	}
	internal, err := structpb.NewStruct(map[string]any{"fingerprint": e.Fingerprint.String()})
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return nil, err
	}
	return statement(subjects(e, sha256), ProvenanceType, &provenance.Provenance{
		BuildDefinition: &provenance.BuildDefinition{
			BuildType: BuildType, ExternalParameters: external, InternalParameters: internal,
			ResolvedDependencies: materials(e, env),
		},
		RunDetails: &provenance.RunDetails{
			Builder: &provenance.Builder{Id: BuilderID, Version: map[string]string{"xt": run.Version}},
			Metadata: &provenance.BuildMetadata{
				InvocationId: id.String(), StartedOn: timestamppb.New(run.Started), FinishedOn: timestamppb.New(run.Finished),
			},
		},
	})
}

// parameters returns what was asked for: what a user decides about a stage.
func parameters(e *lock.Stage) map[string]any {
	p := map[string]any{"stage": e.Name, "cmd": text(e.Cmd)}
	set := func(name string, value any, is bool) {
		if is {
			p[name] = value
		}
	}
	set("shell", list(e.Shell), len(e.Shell) > 0)
	set("wdir", text(e.Wdir), e.Wdir != "")
	set("env", table(e.Env), len(e.Env) > 0)
	set("pass", table(e.Pass), len(e.Pass) > 0)
	set("passUnset", list(e.PassUnset), len(e.PassUnset) > 0)
	set("deterministic", e.Deterministic, e.Deterministic != "")
	set("threads", e.Threads, e.Threads != 0)
	if e.Seed != nil {
		p["seed"] = *e.Seed
	}
	params := map[string]string{}
	for _, x := range e.Params {
		params[strings.TrimPrefix(x.File+":"+x.Key, ":")] = x.Value
	}
	set("params", table(params), len(params) > 0)
	return p
}

// materials returns what the outputs were made from.
func materials(e *lock.Stage, env *lock.Environment) []*intoto.ResourceDescriptor {
	var ms []*intoto.ResourceDescriptor
	for _, it := range slices.Concat(e.Code, e.Deps, e.Calls) {
		ms = append(ms, descriptor(it, ""))
	}
	if len(e.Commit) == 40 {
		d := &intoto.ResourceDescriptor{Name: "commit", Digest: map[string]string{"gitCommit": e.Commit}}
		if e.Dirty {
			d.Annotations, _ = structpb.NewStruct(map[string]any{"dirty": true})
		}
		ms = append(ms, d)
	}
	if env == nil {
		return ms
	}
	d := &intoto.ResourceDescriptor{Name: "environment", Digest: map[string]string{environmentDigest: e.Environment.String()}}
	d.Annotations, _ = structpb.NewStruct(map[string]any{"os": env.OS, "arch": env.Arch, "python": env.Python})
	ms = append(ms, d)
	for _, p := range env.Packages {
		name, version, _ := strings.Cut(p, "==")
		ms = append(ms, &intoto.ResourceDescriptor{Uri: fmt.Sprintf("pkg:pypi/%s@%s", text(name), text(version))})
	}
	return ms
}

// subjects returns the outputs of an entry; of one that has none, the entry.
func subjects(e *lock.Stage, sha256 map[string]string) []*intoto.ResourceDescriptor {
	if len(e.Outs) == 0 {
		return []*intoto.ResourceDescriptor{{Name: "xt.lock#" + e.Name, Digest: map[string]string{fingerprintDigest: e.Fingerprint.String()}}}
	}
	var ds []*intoto.ResourceDescriptor
	for _, it := range e.Outs {
		ds = append(ds, descriptor(it, sha256[it.Path]))
	}
	return ds
}

func descriptor(it lock.Item, sha256 string) *intoto.ResourceDescriptor {
	d := &intoto.ResourceDescriptor{Name: text(it.Path), Digest: map[string]string{digestName(it.Kind): it.Sum.String()}}
	if sha256 != "" {
		d.Digest["sha256"] = sha256
	}
	if it.Kind != hash.File && it.Kind != hash.Directory {
		d.Annotations, _ = structpb.NewStruct(map[string]any{"kind": it.Kind.String()})
	}
	return d
}

func digestName(k hash.Kind) string {
	if k == hash.Directory {
		return treeDigest
	}
	return fileDigest
}

// Outcome is what verifying one output gave: "identical", "within tolerance",
// "differs".
type Outcome struct {
	Path, Verdict string
	// Good is whether the output is the recorded one, Exact whether to the byte.
	Good, Exact bool
}

// The results of a verification, as in-toto's test result has them.
const (
	Passed = "PASSED" // identical
	Warned = "WARNED" // within tolerance
	Failed = "FAILED"
)

// Verification returns the statement that the stage of an entry of xt.lock was
// run once more, and what came of it. An empty list of outcomes stands for a
// command that failed.
func Verification(e *lock.Stage, outcomes []Outcome, times int, run Run) (*intoto.Statement, error) {
	passed, warned, failed := []string{}, []string{}, []string{}
	for _, o := range outcomes {
		test := o.Path + ": " + o.Verdict
		switch {
		case !o.Good:
			failed = append(failed, test)
		case o.Exact:
			passed = append(passed, test)
		default:
			warned = append(warned, test)
		}
	}
	result := Passed
	switch {
	case len(failed) > 0 || len(outcomes) == 0:
		result = Failed
	case len(warned) > 0:
		result = Warned
	}
	predicate, err := structpb.NewStruct(map[string]any{
		"result":        result,
		"configuration": []any{map[string]any{"name": "xt.lock#" + e.Name, "digest": map[string]any{fingerprintDigest: e.Fingerprint.String()}}},
		"passedTests":   list(passed), "warnedTests": list(warned), "failedTests": list(failed),
		"times": times, "startedOn": run.Started.UTC().Format(time.RFC3339Nano), "finishedOn": run.Finished.UTC().Format(time.RFC3339Nano),
		"verifier": map[string]any{"id": BuilderID, "version": run.Version},
	})
	if err != nil {
		return nil, err
	}
	return statement(subjects(e, nil), TestResultType, predicate)
}

func statement(about []*intoto.ResourceDescriptor, kind string, predicate proto.Message) (*intoto.Statement, error) {
	p, ok := predicate.(*structpb.Struct)
	if !ok {
		b, err := protojson.Marshal(predicate)
		if err != nil {
			return nil, err
		}
		p = &structpb.Struct{}
		if err := protojson.Unmarshal(b, p); err != nil {
			return nil, err
		}
	}
	s := &intoto.Statement{Type: intoto.StatementTypeUri, Subject: about, PredicateType: kind, Predicate: p}
	return s, s.Validate()
}

// text makes a text fit for JSON: paths and variables may be any bytes.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func list[T ~string](words []T) []any {
	out := make([]any, len(words))
	for i, w := range words {
		out[i] = text(string(w))
	}
	return out
}

func table(m map[string]string) map[string]any {
	out := make(map[string]any, len(m))
	for _, k := range slices.SortedFunc(maps.Keys(m), cmp.Compare) {
		out[text(k)] = text(m[k])
	}
	return out
}
