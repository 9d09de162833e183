package attest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/xtrepro/xt/lock"
)

// Standing is what the evidence about a stage's entry in xt.lock is worth.
type Standing string

// The standings.
const (
	Attested     Standing = "attested"       // by a key that is trusted
	NotAttested  Standing = "not attested"   // there is no statement about it
	NotTrusted   Standing = "not trusted"    // by other keys only
	BadSignature Standing = "bad signature"  // the signature is not that of the statement
	Contradicted Standing = "contradicted"   // a key that is trusted stated other outputs, or that it could not be made again
	Edited       Standing = "edited by hand" // the entry does not match its own fingerprint
)

// Statement is one that counts: made by a key that is trusted, about the entry.
type Statement struct {
	By     string    `json:"by"`     // the principals of the key
	Key    string    `json:"key"`    // its fingerprint
	Sort   string    `json:"sort"`   // "executed" or "verified"
	Result string    `json:"result"` // of a verification, as in-toto has it; "" of an execution
	At     time.Time `json:"at"`
}

// Report is what became of checking the evidence about one stage.
type Report struct {
	Standing   Standing
	Statements []Statement
	Reasons    []string // for people: what is wrong, as far as something is
}

// Check compares the statements of a bundle with a stage's entry in xt.lock. Only
// what a signer signed at a time at which its key was to be trusted counts. The
// time is the one that the statement gives.
func (b *Bundle) Check(ctx context.Context, e *lock.Stage, signers []*Signer) *Report {
	r := &Report{Standing: NotAttested}
	for i := range b.lines {
		r.line(ctx, &b.lines[i], e, signers)
	}
	return r
}

// line takes one line of a bundle into account.
func (r *Report) line(ctx context.Context, l *line, e *lock.Stage, signers []*Signer) {
	switch {
	case l.err != nil:
		r.note(NotAttested, l.err.Error())
		return
	case !l.claim.ours() || !l.claim.about(e):
		return // of another sort, or of what the stage once was
	}
	by := r.signed(ctx, l, signers)
	if by == nil {
		return
	}
	id, _ := by.KeyID()
	s := Statement{By: by.Principals, Key: id, Sort: "executed", Result: l.claim.result, At: l.claim.at}
	if l.claim.kind == TestResultType {
		s.Sort = "verified"
	}
	if path, recorded, claimed := l.claim.differs(e); path != "" {
		r.note(Contradicted, fmt.Sprintf("%s: xt.lock records %s, but %s stated %s", path, orNothing(recorded), s.By, orNothing(claimed)))
		return
	}
	if s.Result != "" && s.Result != Passed && s.Result != Warned {
		r.note(Contradicted, fmt.Sprintf("%s could not make it again on %s%s", s.By, s.At.Format(time.DateOnly), tests(l.claim.failed)))
		return
	}
	r.Statements = append(r.Statements, s)
	r.note(Attested, "")
}

func tests(failed []string) string {
	if len(failed) == 0 {
		return ""
	}
	return ": " + strings.Join(failed[:min(3, len(failed))], ", ")
}

func orNothing(digest string) string {
	if digest == "" {
		return "nothing"
	}
	return digest[:min(len(digest), len(treeDigest)+1+16)]
}

// signed returns who signed a line; nil if none of the signers did, which is noted.
func (r *Report) signed(ctx context.Context, l *line, signers []*Signer) *Signer {
	var late, known bool
	for _, s := range signers {
		id, _ := s.KeyID()
		known = known || slices.ContainsFunc(l.envelope.Signatures, func(sig dsse.Signature) bool { return sig.KeyID == id })
		v, err := dsse.NewEnvelopeVerifier(s)
		if err != nil {
			continue
		}
		if _, err := v.Verify(ctx, l.envelope); err != nil {
			continue
		}
		if s.Trusts(l.claim.at) {
			return s
		}
		late = true
	}
	switch {
	case late:
		r.note(NotTrusted, "the key that signed it was not valid on "+l.claim.at.Format(time.DateOnly))
	case known:
		r.note(BadSignature, "a statement is not what was signed: it was changed, or its signature is forged")
	default:
		r.note(NotTrusted, "it is signed with "+keysOf(l.envelope)+", which is not among the allowed signers")
	}
	return nil
}

func keysOf(e *dsse.Envelope) string {
	var ids []string
	for _, s := range e.Signatures {
		ids = append(ids, s.KeyID)
	}
	if len(ids) == 0 {
		return "no key"
	}
	return strings.Join(ids, ", ")
}

// note keeps the gravest of what was found, but that a statement that counts is
// not outweighed by others that do not.
func (r *Report) note(s Standing, why string) {
	order := []Standing{NotAttested, NotTrusted, BadSignature, Attested, Contradicted}
	if slices.Index(order, s) > slices.Index(order, r.Standing) {
		r.Standing = s
	}
	if why != "" && !slices.Contains(r.Reasons, why) {
		r.Reasons = append(r.Reasons, why)
	}
}
