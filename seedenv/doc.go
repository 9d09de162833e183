// Package seedenv is what a stage's command sees: seeds, determinism flags, the
// Python start-up hook, the interpreter and its packages.
//
// # What goes into a stage's environment
//
// [Vars] gives the variables that follow from a seed, [HookVars] those that
// load the start-up hook which [WriteHook] unpacked, and [Env.Vars] those that
// put an environment built by a [Builder] first. What the stage itself declares
// is laid over all of them by the caller.
//
// # What goes into a stage's identity
//
// [Detector.UsesPython] says whether the interpreter and its packages can
// decide the stage's result, [FindPython] which interpreter the command starts,
// and [Interpreters] what that interpreter is, remembered across runs so that
// nothing is started when nothing changed. The result is a [lock.Environment].
// [Machine] describes the rest of the machine, for records only.
//
// # Environments from requirements
//
// A [Builder] resolves a requirements file into a locked one and builds a
// virtual environment from it, both with uv. An environment is kept under a
// name that is the digest of what it is made from.
package seedenv
