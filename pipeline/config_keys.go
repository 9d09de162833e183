package pipeline

import "regexp"

var (
	namePattern    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$`)
	envPattern     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	versionPattern = regexp.MustCompile(`^3\.[0-9]{1,2}(\.[0-9]{1,3})?$`)
	titlePattern   = regexp.MustCompile(`^[^\x00-\x1f\x7f]{1,200}$`)
)

const nameWant = "letters, digits, _, - and ., not beginning with - or ."

// maxSeed is the largest that NumPy and PYTHONHASHSEED take.
const maxSeed = 1<<32 - 1

// fileShape is xt.toml.
var fileShape = table("The pipeline of a project, read by xt.",
	key{name: "project", shape: table("What the project is called.",
		key{name: "name", shape: &shape{kinds: aString, want: "a text of one line", doc: "The name of the project. By default that of its directory.", example: `"digits"`, pattern: titlePattern}},
	)},
	key{name: "seed", shape: seedShape("What the randomness of every stage starts from, unless the stage says otherwise.")},
	key{name: "python", shape: table("A Python environment that xt builds, caches and locks, and in which the stages run.",
		key{name: "requirements", required: true, shape: text("the path of a requirements file", "The requirements file, as pip and uv read it.", `"requirements.txt"`)},
		key{name: "version", shape: &shape{kinds: aString, want: "a version of Python", doc: "The version of Python. By default the one that is installed.", example: `"3.11"`, pattern: versionPattern}},
	)},
	key{name: "params", also: []string{"vars", "parameters"}, shape: paramsShape},
	key{name: "cache", shape: table("Where xt keeps what stages made, and how it gets from there into the workspace.",
		key{name: "dir", shape: text("a path", "The directory of the cache, relative to the project, or absolute for one that several projects share. By default .xt/cache.", `"/data/xt-cache"`)},
		key{name: "link", also: []string{"links", "type"}, shape: &shape{kinds: aList, want: "a list of ways", doc: "How files get into the workspace: the first way that the file system can do is taken.", example: `["reflink", "copy"]`,
			def: []any{"reflink", "copy"}, item: &shape{kinds: aString, want: "a way to link", words: []string{"reflink", "copy", "hardlink", "symlink"}}}},
		key{name: "shared", shape: flag("Whether several users write to the cache: files are then writable for the group.", false)},
	)},
	key{name: "check", also: []string{"policy", "gate"}, shape: checkShape},
	key{name: "attest", also: []string{"attestations", "evidence"}, shape: table("Where signed evidence of executions and verifications is, and whose is trusted.",
		key{name: "dir", shape: &shape{kinds: aString, want: "a path", doc: "The directory of the attestations, to be kept in git.", example: `"attestations"`, def: defaultAttest.Dir}},
		key{name: "allowed_signers", also: []string{"signers", "keys"}, shape: &shape{kinds: aString, want: "the path of a file", doc: "The keys that are trusted, in the format of OpenSSH's allowed signers.", example: `"allowed_signers"`, def: defaultAttest.Signers}},
	)},
	key{name: "llm", also: []string{"calls", "replay"}, shape: llmShape},
	key{name: "executor", also: []string{"executors", "cluster"}, shape: executorShape},
	key{name: "remote", also: []string{"remotes"}, shape: tables("Stores for what the cache holds, by name.", &naming{"remote", namePattern, nameWant}, table("A store for what the cache holds.",
		key{name: "url", required: true, shape: text("an address", "Where the store is: s3://, azblob://, gs://, sftp:// or file://. Credentials are not part of it.", `"s3://bucket/prefix"`)},
		key{name: "recipients", also: []string{"recipient", "encrypt"}, shape: &shape{kinds: aList, want: "a list of age public keys", item: &shape{kinds: aString, want: "an age public key"},
			doc: "The age public keys to which everything that is sent is encrypted. By default it is not encrypted.", example: `["age1…"]`}},
		key{name: "default", shape: flag("Whether it is meant where no remote is named. By default that is the one called origin, or the only one.", false)},
	))},
	key{name: "stage", also: []string{"stages", "task", "tasks", "step", "steps"}, shape: tables("The stages of the pipeline, by name.", &naming{"stage", namePattern, nameWant}, stageShape)},
	key{name: "sweep", also: []string{"sweeps"}, shape: tables("Searches over parameters, by name.", &naming{"sweep", namePattern, nameWant}, sweepShape)},
	key{name: "plots", also: []string{"plot"}, shape: tables("Plots that are put together from several files, by name.", &naming{"plot", namePattern, nameWant}, plotShape)},
	key{name: "model", also: []string{"models"}, shape: tables("Models of the registry, by name.", &naming{"model", modelPattern, modelWant}, modelShape)},
)

var paramsShape = &shape{kinds: aTable, want: "a table",
	doc: "Parameters: a stage lists those that it reads under its own params, and ${name} puts one into a text.",
	keys: []key{{name: "files", shape: &shape{kinds: aList, want: "a list of paths", item: &shape{kinds: aString, want: "a path"},
		doc: "YAML, JSON and TOML files whose keys are parameters too.", example: `["params.yaml"]`}}},
	rest: &shape{kinds: aAny, doc: "The value of a parameter."}}

func seedShape(doc string) *shape {
	return table(doc,
		key{name: "value", also: []string{"seed"}, shape: integer("an integer from 0 to 4294967295", "The seed.", "42", 0, maxSeed)},
		key{name: "deterministic", shape: deterministicShape},
		key{name: "threads", shape: threadsShape},
	)
}

var (
	deterministicShape = &shape{kinds: aBoolean | aString, words: []string{"warn"}, want: `true, false or "warn"`, example: "true",
		doc: "Whether libraries have to use deterministic algorithms. \"warn\" reports an operation that has none, rather than to stop. By default true where there is a seed."}
	threadsShape = &shape{kinds: aInteger, want: "an integer of at least 1", example: "4", def: int64(1), min: 1, max: 4096,
		doc: "Worker threads of numeric libraries, whose number can change results."}
)
