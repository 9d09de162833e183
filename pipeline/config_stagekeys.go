package pipeline

import "regexp"

var (
	durationPattern = regexp.MustCompile(`^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$`)
	memoryPattern   = regexp.MustCompile(`^[0-9]+(\.[0-9]+)? ?([KMGT]i?)?B?$`)
)

var no = false

// stageShape is a table [stage.NAME].
var stageShape = table("A command with declared inputs and outputs.",
	key{name: "cmd", required: true, also: []string{"command", "run", "script", "exec"}, shape: texts("a command or a list of commands", "The command. Several run one after the other until one fails. ${name} is a parameter; a shell variable is written $NAME or $${NAME}.", `"python src/train.py"`)},
	key{name: "desc", also: []string{"description", "comment"}, shape: text("a text", "What the stage does, in a line, for people.", `"train the network"`)},
	key{name: "wdir", also: []string{"cwd", "dir", "workdir", "working_dir", "working_directory"}, shape: withDefault(text("the path of a directory", "Where the command runs. All paths of the stage are relative to it.", `"experiments"`), ".")},
	key{name: "shell", shape: texts("a shell, or a list of words", "What runs the command: a shell, or the words before the command. By default [\"sh\", \"-e\", \"-c\"].", `"bash"`)},
	key{name: "code", also: []string{"source", "sources", "src", "scripts"}, shape: texts("a path or a list of paths", "Source files and directories, kept in git.", `["src/train.py"]`)},
	key{name: "deps", also: []string{"dependencies", "depends", "depends_on", "inputs", "input", "needs", "requires"}, shape: texts("a path or a list of paths", "Data that the command reads: in git, added to xt, or an output of another stage.", `["data/train.csv"]`)},
	key{name: "outs", also: []string{"outputs", "output", "produces", "targets", "artifacts"}, shape: outsShape("Files and directories that the command makes. They are kept in the cache and out of git.", `["build/model.npz"]`, true)},
	key{name: "metrics", shape: outsShape("Small files of numbers that the command makes: JSON, YAML or TOML. They stay in git.", `["build/metrics.json"]`, false)},
	key{name: "plots", shape: outsShape("Files of points, or pictures, that the command makes. They stay in git.", `["build/loss.csv"]`, false, lookKeys()...)},
	key{name: "params", also: []string{"parameters", "vars"}, shape: texts("a key or a list of keys", "Parameters that the command reads: \"lr\", a whole table \"train\", \"conf.yaml:key\" of a file, or a whole file \"conf.yaml\".", `["lr", "train"]`)},
	key{name: "env", also: []string{"environment", "envs", "variables"}, shape: &shape{kinds: aTable, want: "a table of texts", doc: "Environment variables that are set for the command. They are part of its identity.", example: `{ OMP_NUM_THREADS = "1" }`,
		name: &naming{"variable", envPattern, "letters, digits and _, not beginning with a digit"}, rest: &shape{kinds: aString | aNumber, want: "a text or a number", doc: "The value of the variable.", example: `"1"`}}},
	key{name: "pass", also: []string{"pass_env", "passenv", "inherit"}, shape: texts("a name or a list of names", "Environment variables whose values are taken as they are, and are part of the identity of the stage.", `["CUDA_VISIBLE_DEVICES"]`)},
	key{name: "seed", shape: stageSeedShape},
	key{name: "deterministic", shape: deterministicShape},
	key{name: "threads", shape: threadsShape},
	key{name: "python", shape: &shape{kinds: aBoolean, want: "true or false", example: "false", doc: "Whether Python and its packages decide the result. By default xt finds out from the command and the code."}},
	key{name: "llm", also: []string{"record_llm", "calls", "replay"}, shape: &shape{kinds: aString, words: []string{"record", "replay", "off"}, want: `"record", "replay" or "off"`, example: `"record"`, def: "off",
		doc: "What becomes of calls to language models: recorded and from then on replayed, only replayed, or left alone."}},
	key{name: "matrix", also: []string{"foreach", "strategy"}, shape: matrixShape},
	key{name: "frozen", shape: flag("Whether the stage is never run, whatever changed.", false)},
	key{name: "always", also: []string{"always_changed"}, shape: flag("Whether the stage runs each time.", false)},
	key{name: "timeout", shape: &shape{kinds: aString, want: "a duration", doc: "How long the command may take, in h, m and s.", example: `"90m"`, pattern: durationPattern, refs: true}},
	key{name: "retries", also: []string{"retry", "attempts"}, shape: withDefault(integer("an integer from 0 to 100", "How often the command is tried again after it failed.", "2", 0, 100), int64(0))},
	key{name: "resources", shape: table("What the stage asks of a scheduler.",
		key{name: "cpus", also: []string{"cpu", "cores"}, shape: integer("an integer of at least 1", "Processor cores.", "4", 1, 1<<20)},
		key{name: "gpus", also: []string{"gpu"}, shape: integer("an integer of at least 0", "Graphics processors.", "1", 0, 1<<20)},
		key{name: "memory", also: []string{"mem", "ram"}, shape: &shape{kinds: aString, want: "a size", doc: "Memory: a number and KB, MB, GB, TB, KiB, MiB, GiB or TiB.", example: `"16GiB"`, pattern: memoryPattern, refs: true}},
		key{name: "time", also: []string{"walltime", "timeout"}, shape: &shape{kinds: aString, want: "a duration", doc: "Wall-clock time.", example: `"2h"`, pattern: durationPattern, refs: true}},
		key{name: "sbatch", also: []string{"slurm", "extra"}, shape: sbatchShape("Further arguments of sbatch for this stage, after those of executor.slurm.", `["--partition=gpu"]`)},
	)},
	key{name: "tolerance", shape: tables("How far numbers may be from the recorded ones when the stage is verified, by output: |a-b| <= atol + rtol*|b|.", nil, table("How far numbers of this output may be from the recorded ones.",
		key{name: "rtol", also: []string{"rel", "relative"}, shape: &shape{kinds: aNumber, want: "a number", doc: "The part of the recorded number.", example: "1e-6", def: int64(0)}},
		key{name: "atol", also: []string{"abs", "absolute"}, shape: &shape{kinds: aNumber, want: "a number", doc: "The distance.", example: "1e-9", def: int64(0)}},
	))},
)

var stageSeedShape = func() *shape {
	s := seedShape("The seed of this stage, rather than that of the project; false for none.")
	s.kinds |= aInteger | aBoolean
	s.want, s.example, s.only, s.min, s.max = "an integer from 0 to 4294967295, false, or a table", "7", &no, 0, maxSeed
	return s
}()

var matrixShape = &shape{kinds: aTable, want: "a table of lists", example: `{ split = ["val", "test"] }`,
	doc:  "Makes a stage NAME@VALUE of each combination of values; ${matrix.AXIS} is the value.",
	name: &naming{"axis", regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`), "letters, digits, _ and -"},
	rest: &shape{kinds: aList | aString, want: "a list of values, or a parameter that is one", doc: "The values of an axis, or \"${name}\" of a parameter that is a list.", example: `["val", "test"]`,
		item: &shape{kinds: aString | aNumber | aBoolean, want: "a text, a number or a boolean"}}}

func outsShape(doc, example string, cached bool, more ...key) *shape {
	one := table("A path, and how it is kept.", append([]key{
		{name: "path", required: true, shape: text("a path", "The path.", `"build/model.npz"`)},
		{name: "cache", shape: flag("Whether it is kept in the cache and out of git.", cached)},
		{name: "keep", also: []string{"persist"}, shape: flag("Whether it is left in place before the command runs, for the command to continue it.", false)},
		{name: "push", shape: &shape{kinds: aBoolean, want: "true or false", example: "false", doc: "Whether it is sent to the remote. By default true if it is in the cache."}},
		{name: "remote", shape: text("the name of a remote", "The only remote that it is sent to.", `"archive"`)},
	}, more...)...)
	one.kinds |= aString
	one.want = "a path, or a table with a path"
	return &shape{kinds: aString | aTable | aList, want: "a path or a list of paths", doc: doc, example: example, item: one, keys: one.keys}
}

func withDefault(s *shape, def any) *shape {
	s.def = def
	return s
}
