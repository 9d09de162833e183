// Package pipeline is the way from xt.toml to results: [Load] reads the stages
// and connects them to a [Graph], [NewPlan] compares their inputs with xt.lock,
// and [Workspace.Run] does what the plan says is due.
//
// # What decides
//
// A stage is up to date if the fingerprint of its inputs is the one in xt.lock,
// and its outputs are what xt.lock says. The fingerprint is the digest of a text
// that [Describe] writes from an entry of xt.lock, and from nothing else. So an
// entry can be checked against its own fingerprint, a difference can always be
// named line by line, and nothing that is not in the lock can decide.
//
// # A plan is a value
//
// [NewPlan] is a function of [Facts]: what stands in the workspace, or in a
// commit, what xt.lock says, what the cache has. Status, why, the dry run and the
// gate print a [Plan]; a run takes the same decisions again, stage by stage, as
// the outputs of earlier stages become known.
//
// # What is never lost
//
// Before a command runs, what stands at its outputs is removed, so that an old
// output cannot pass for a new one. What is in no cache and no commit goes into
// the cache first. Outputs of a command that failed are left in the workspace and
// enter neither the cache nor the lock.
package pipeline
