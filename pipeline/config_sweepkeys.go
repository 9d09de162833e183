package pipeline

var samplers = []string{"grid", "random", "tpe", "cmaes", "sobol"}

var directions = []string{"minimize", "maximize"}

var pruners = []string{"median", "asha"}

var sweepShape = table("A search over parameters.",
	key{name: "stage", required: true, shape: text("the name of a stage", "The stage that is run, with what it needs.", `"train"`)},
	key{name: "stages", shape: texts("the name of a stage, or several", "Further stages that are run, such as one that makes an objective.", `["evaluate"]`)},
	key{name: "objective", also: []string{"objectives", "metric", "metrics"}, required: true, shape: texts("a metrics file and a key in it, or a list of such", "What is sought: a metrics file, a colon, and a key in it; several for a Pareto front.", `"build/metrics.json:val_loss"`)},
	key{name: "direction", also: []string{"directions", "goal"}, shape: &shape{kinds: aString | aList, want: "a direction, or a list with one for each objective", doc: "Whether small or large is good.", example: `"maximize"`, def: "minimize", words: directions,
		item: &shape{kinds: aString, want: "a direction", words: directions}}},
	key{name: "constraints", also: []string{"constraint"}, shape: texts("a metrics file, a colon, a key, <= or >= and a number, or a list of such", "What a result must be like, whatever its objective is.", `["build/metrics.json:size_mb <= 100"]`)},
	key{name: "sampler", also: []string{"method", "algorithm"}, shape: &shape{kinds: aString, want: "a sampler", doc: "How the next values are chosen.", example: `"tpe"`, def: "tpe", words: samplers}},
	key{name: "pruner", also: []string{"early_terminate"}, shape: &shape{kinds: aString | aTable, want: "a pruner, or a table with its settings", doc: "Whether trials that do badly are ended early, and how.", example: `"median"`, words: pruners, keys: []key{
		{name: "kind", required: true, shape: &shape{kinds: aString, want: "a pruner", doc: "How it is decided that a trial does badly.", example: `"asha"`, words: pruners}},
		{name: "metric", shape: text("the name of a logged metric, or a file, a colon and a key", "What is watched: a metric that the command logs, or a key of a metrics file or a column of a CSV file that grows. By default the first objective, logged or in its file.", `"val_loss"`)},
		{name: "warmup", shape: integer("a positive integer", "The first step at which a trial may be ended; of asha the first rung.", "5", 1, 1_000_000_000)},
		{name: "interval", shape: integer("a positive integer", "How many steps lie between two decisions of median.", "1", 1, 1_000_000_000)},
		{name: "startup", shape: integer("a positive integer", "How many trials must be complete before median ends one. By default 5.", "5", 1, 1_000_000)},
		{name: "quantile", shape: &shape{kinds: aNumber, want: "a number between 0 and 1", doc: "The part of the trials that a trial must be as good as, to go on with median. By default 0.5.", example: "0.5"}},
		{name: "reduction", shape: integer("an integer from 2 on", "One of how many trials goes on from a rung of asha to the next. By default 4.", "3", 2, 1000)},
	}}},
	key{name: "trials", also: []string{"n_trials", "count"}, shape: integer("a positive integer", "How many trials there are in all.", "30", 1, 1_000_000)},
	key{name: "timeout", shape: &shape{kinds: aString, want: "a duration", doc: "After what time no further trial is begun, in h, m and s.", example: `"2h"`, pattern: durationPattern}},
	key{name: "jobs", shape: integer("a positive integer", "How many trials go on at a time.", "4", 1, 10_000)},
	key{name: "max_failures", shape: integer("a positive integer", "After how many failed trials the sweep ends. By default 5.", "5", 1, 1_000_000)},
	key{name: "seed", shape: integer("an integer from 0 to 4294967295", "What the sampler's randomness starts from. By default the value of [seed], or 0.", "42", 0, maxSeed)},
	key{name: "params", required: true, shape: tables("The parameters that vary, by key.", nil, table("The values of a parameter: choices, or a range.",
		key{name: "choices", also: []string{"values"}, shape: &shape{kinds: aList, want: "a list of values", doc: "The values to choose from.", example: "[32, 64, 128]", item: &shape{kinds: aScalar, want: "a number, a text or a boolean"}}},
		key{name: "low", also: []string{"min"}, shape: &shape{kinds: aNumber, want: "a number", doc: "The lower end of the range.", example: "1e-5"}},
		key{name: "high", also: []string{"max"}, shape: &shape{kinds: aNumber, want: "a number", doc: "The upper end of the range.", example: "1e-1"}},
		key{name: "step", also: []string{"q"}, shape: &shape{kinds: aNumber, want: "a number", doc: "The distance between values. By default any value of the range is taken, of integers each.", example: "0.1"}},
		key{name: "log", shape: flag("Whether the values are spread evenly over orders of magnitude.", false)},
		key{name: "when", also: []string{"if", "condition"}, shape: &shape{kinds: aTable, want: "a table", doc: "Another parameter that varies, and the values of it with which this one varies too. Else it keeps the value that it has.",
			rest: &shape{kinds: aScalar | aList, want: "a value, or a list of values", item: &shape{kinds: aScalar, want: "a number, a text or a boolean"}}}},
	))},
)
