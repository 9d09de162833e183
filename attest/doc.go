// Package attest is evidence: statements about executions and verifications of
// stages, signed, and checked against a list of keys that are trusted.
//
// A statement is one of in-toto (https://in-toto.io/Statement/v1): of an
// execution with SLSA's provenance as its predicate
// (https://slsa.dev/provenance/v1), of a verification with in-toto's test result
// (https://in-toto.io/attestation/test-result/v0.1). It is signed in an envelope
// of DSSE (https://github.com/secure-systems-lab/dsse) with an SSH key, and kept
// as a line of a file for each stage, a bundle of in-toto.
package attest
