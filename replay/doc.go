// Package replay records calls to the HTTP APIs of language models and replays
// them.
//
// A [Session] is a server on loopback that a command finds through the variables
// which the clients of these APIs read: OPENAI_BASE_URL and its like. It answers a
// request that was recorded from the recording, without a key and without the
// network. Where it may, it asks the provider for the others and keeps the answers.
//
// # What is one request
//
// A recording is found by the digest of what decides an answer: provider, method,
// path, query, a few headers, and the body, in which the model is. Keys are no part
// of it and are not stored. The same request once more is the next number of the
// same digest: asking five times gives five answers, replayed in that order.
//
// # Where recordings are
//
// In a directory of files that people can read and git can keep. What a command
// asks lands aside first; the directory changes only when [Session.Keep] is called,
// after the command succeeded, and then holds exactly what the command used.
package replay
