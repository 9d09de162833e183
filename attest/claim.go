package attest

import (
	"encoding/json"
	"fmt"
	"time"

	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/xtrepro/xt/lock"
)

// claim is what a statement says, as far as it is compared with xt.lock.
type claim struct {
	kind        string // ProvenanceType or TestResultType
	fingerprint string
	subjects    []*intoto.ResourceDescriptor
	result      string // of a verification: Passed, Warned or Failed
	failed      []string
	at          time.Time // when what it tells of ended
}

// predicate is what is read of the predicates of both types.
type predicate struct {
	BuildDefinition struct {
		BuildType          string `json:"buildType"`
		InternalParameters struct {
			Fingerprint string `json:"fingerprint"`
		} `json:"internalParameters"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Metadata struct {
			FinishedOn time.Time `json:"finishedOn"`
		} `json:"metadata"`
	} `json:"runDetails"`

	Result        string `json:"result"`
	Configuration []struct {
		Digest map[string]string `json:"digest"`
	} `json:"configuration"`
	FailedTests []string  `json:"failedTests"`
	FinishedOn  time.Time `json:"finishedOn"`
}

// readClaim reads the payload of an envelope. Nothing in it is to be believed
// before its signature was checked.
func readClaim(payload []byte) (*claim, error) {
	var s intoto.Statement
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(payload, &s); err != nil {
		return nil, fmt.Errorf("this is no statement of in-toto: %w", err)
	}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("this is no statement of in-toto: %w", err)
	}
	b, err := protojson.Marshal(s.Predicate)
	if err != nil {
		return nil, err
	}
	var p predicate
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("predicate %s: %w", s.PredicateType, err)
	}
	c := &claim{kind: s.PredicateType, subjects: s.Subject, at: p.FinishedOn, result: p.Result, failed: p.FailedTests}
	switch {
	case c.kind == ProvenanceType && p.BuildDefinition.BuildType == BuildType:
		c.fingerprint, c.at = p.BuildDefinition.InternalParameters.Fingerprint, p.RunDetails.Metadata.FinishedOn
		c.result = ""
	case c.kind == TestResultType && len(p.Configuration) > 0:
		c.fingerprint = p.Configuration[0].Digest[fingerprintDigest]
	}
	return c, nil
}

// ours reports whether the statement is of the sorts that xt makes.
func (c *claim) ours() bool { return c.fingerprint != "" }

// about reports whether the statement is about the inputs that an entry has.
func (c *claim) about(e *lock.Stage) bool { return c.fingerprint == e.Fingerprint.String() }

// differs returns the first output of the entry that is another one in the
// statement, and both digests; "" for one that is not there.
func (c *claim) differs(e *lock.Stage) (path, recorded, claimed string) {
	said := map[string]*intoto.ResourceDescriptor{}
	for _, d := range c.subjects {
		said[d.Name] = d
	}
	want := subjects(e, nil)
	for _, d := range want {
		s := said[d.Name]
		if s == nil {
			return d.Name, digestOf(d), ""
		}
		if digestOf(s) != digestOf(d) || kindOf(s) != kindOf(d) {
			return d.Name, digestOf(d), digestOf(s)
		}
		delete(said, d.Name)
	}
	for name, d := range said {
		return name, "", digestOf(d)
	}
	return "", "", ""
}

func digestOf(d *intoto.ResourceDescriptor) string {
	for _, name := range []string{fileDigest, treeDigest, fingerprintDigest} {
		if sum := d.Digest[name]; sum != "" {
			return name + ":" + sum
		}
	}
	return ""
}

func kindOf(d *intoto.ResourceDescriptor) string {
	return d.GetAnnotations().GetFields()["kind"].GetStringValue()
}
