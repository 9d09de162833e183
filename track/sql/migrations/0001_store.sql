-- {{id}}, {{text}} and {{clustered}} are what the two databases write
-- differently; see dialect.go. 0 and '' stand for what is not there: NULL would
-- sort differently in each.

CREATE TABLE experiments (
	id {{id}},
	name {{text}} NOT NULL UNIQUE,
	location {{text}} NOT NULL,
	deleted SMALLINT NOT NULL DEFAULT 0,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL
);

CREATE TABLE experiment_tags (
	experiment BIGINT NOT NULL REFERENCES experiments(id) ON DELETE CASCADE,
	key {{text}} NOT NULL,
	value {{text}} NOT NULL,
	PRIMARY KEY (experiment, key)
) {{clustered}};

-- Names of metrics, parameters and tags of runs, which are never deleted, so
-- that a number once read stays right, and needs no check.
CREATE TABLE names (
	id {{id}},
	name {{text}} NOT NULL UNIQUE
);

CREATE TABLE runs (
	id {{id}},
	run_id {{text}} NOT NULL UNIQUE,
	experiment BIGINT NOT NULL REFERENCES experiments(id),
	name {{text}} NOT NULL,
	user_id {{text}} NOT NULL,
	status {{text}} NOT NULL,
	start_time BIGINT NOT NULL,
	end_time BIGINT NOT NULL DEFAULT 0,
	deleted SMALLINT NOT NULL DEFAULT 0,
	artifact_uri {{text}} NOT NULL
);
CREATE INDEX runs_by_start ON runs (experiment, deleted, start_time DESC, run_id);
CREATE INDEX runs_by_name ON runs (experiment, deleted, name, start_time DESC, run_id);
CREATE INDEX runs_of_all ON runs (deleted, start_time DESC, run_id);

CREATE TABLE params (
	run BIGINT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
	name BIGINT NOT NULL,
	value {{text}} NOT NULL,
	PRIMARY KEY (run, name)
) {{clustered}};
CREATE INDEX params_by_value ON params (name, substr(value, 1, 64), run);

CREATE TABLE tags (
	run BIGINT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
	name BIGINT NOT NULL,
	value {{text}} NOT NULL,
	PRIMARY KEY (run, name)
) {{clustered}};
CREATE INDEX tags_by_value ON tags (name, substr(value, 1, 64), run);

-- NaN is the value 0 with is_nan set. The order of the key is that of a history.
-- There is no reference to the run, which would be looked up for each point.
CREATE TABLE metrics (
	run BIGINT NOT NULL,
	name BIGINT NOT NULL,
	time BIGINT NOT NULL,
	step BIGINT NOT NULL,
	value DOUBLE PRECISION NOT NULL,
	is_nan SMALLINT NOT NULL,
	PRIMARY KEY (run, name, time, step, value, is_nan)
) {{clustered}};

CREATE TABLE latest_metrics (
	run BIGINT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
	name BIGINT NOT NULL,
	time BIGINT NOT NULL,
	step BIGINT NOT NULL,
	value DOUBLE PRECISION NOT NULL,
	is_nan SMALLINT NOT NULL,
	PRIMARY KEY (run, name)
) {{clustered}};
CREATE INDEX latest_by_value ON latest_metrics (name, is_nan, value, run);

CREATE TABLE origins (
	run BIGINT NOT NULL PRIMARY KEY REFERENCES runs(id) ON DELETE CASCADE,
	kind {{text}} NOT NULL,
	stage {{text}} NOT NULL,
	command {{text}} NOT NULL,
	fingerprint {{text}} NOT NULL,
	lock {{text}} NOT NULL,
	commit_id {{text}} NOT NULL,
	dirty SMALLINT NOT NULL,
	diff {{text}} NOT NULL,
	log {{text}} NOT NULL,
	exit_code BIGINT NOT NULL,
	duration BIGINT NOT NULL
);
CREATE INDEX origins_by_stage ON origins (stage, run);
CREATE INDEX origins_by_fingerprint ON origins (fingerprint, run);

CREATE TABLE datasets (
	id {{id}},
	experiment BIGINT NOT NULL REFERENCES experiments(id),
	name {{text}} NOT NULL,
	digest {{text}} NOT NULL,
	source_type {{text}} NOT NULL,
	source {{text}} NOT NULL,
	schema {{text}} NOT NULL,
	profile {{text}} NOT NULL,
	UNIQUE (experiment, name, digest)
);

CREATE TABLE inputs (
	run BIGINT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
	dataset BIGINT NOT NULL REFERENCES datasets(id),
	PRIMARY KEY (run, dataset)
) {{clustered}};
CREATE INDEX inputs_by_dataset ON inputs (dataset, run);

CREATE TABLE input_tags (
	run BIGINT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
	dataset BIGINT NOT NULL,
	key {{text}} NOT NULL,
	value {{text}} NOT NULL,
	PRIMARY KEY (run, dataset, key)
) {{clustered}};

-- Logged models that a run used (output 0) or made (output 1).
CREATE TABLE run_models (
	run BIGINT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
	output SMALLINT NOT NULL,
	model_id {{text}} NOT NULL,
	step BIGINT NOT NULL,
	PRIMARY KEY (run, output, model_id, step)
) {{clustered}};

CREATE TABLE logged_models (
	id {{id}},
	model_id {{text}} NOT NULL UNIQUE,
	experiment BIGINT NOT NULL REFERENCES experiments(id),
	name {{text}} NOT NULL,
	type {{text}} NOT NULL,
	source_run {{text}} NOT NULL,
	status {{text}} NOT NULL,
	status_message {{text}} NOT NULL DEFAULT '',
	artifact_uri {{text}} NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	deleted SMALLINT NOT NULL DEFAULT 0
);
CREATE INDEX logged_models_by_time ON logged_models (experiment, deleted, created DESC, model_id);
CREATE INDEX logged_models_by_run ON logged_models (source_run);

CREATE TABLE logged_model_params (
	model BIGINT NOT NULL REFERENCES logged_models(id) ON DELETE CASCADE,
	key {{text}} NOT NULL,
	value {{text}} NOT NULL,
	PRIMARY KEY (model, key)
) {{clustered}};

CREATE TABLE logged_model_tags (
	model BIGINT NOT NULL REFERENCES logged_models(id) ON DELETE CASCADE,
	key {{text}} NOT NULL,
	value {{text}} NOT NULL,
	PRIMARY KEY (model, key)
) {{clustered}};

CREATE TABLE logged_model_metrics (
	model BIGINT NOT NULL REFERENCES logged_models(id) ON DELETE CASCADE,
	key {{text}} NOT NULL,
	run_id {{text}} NOT NULL,
	time BIGINT NOT NULL,
	step BIGINT NOT NULL,
	value DOUBLE PRECISION NOT NULL,
	is_nan SMALLINT NOT NULL,
	dataset_name {{text}} NOT NULL,
	dataset_digest {{text}} NOT NULL,
	PRIMARY KEY (model, key, run_id, time, step, value, is_nan, dataset_name, dataset_digest)
) {{clustered}};

CREATE TABLE registered_models (
	id {{id}},
	name {{text}} NOT NULL UNIQUE,
	description {{text}} NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL
);

CREATE TABLE registered_model_tags (
	model BIGINT NOT NULL REFERENCES registered_models(id) ON DELETE CASCADE,
	key {{text}} NOT NULL,
	value {{text}} NOT NULL,
	PRIMARY KEY (model, key)
) {{clustered}};

CREATE TABLE model_versions (
	id {{id}},
	model BIGINT NOT NULL REFERENCES registered_models(id) ON DELETE CASCADE,
	version BIGINT NOT NULL,
	stage {{text}} NOT NULL,
	description {{text}} NOT NULL,
	user_id {{text}} NOT NULL,
	source {{text}} NOT NULL,
	storage_location {{text}} NOT NULL,
	run_id {{text}} NOT NULL,
	run_link {{text}} NOT NULL,
	model_id {{text}} NOT NULL,
	status {{text}} NOT NULL,
	status_message {{text}} NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	UNIQUE (model, version)
);
CREATE INDEX model_versions_by_time ON model_versions (updated DESC);
CREATE INDEX model_versions_by_run ON model_versions (run_id);

CREATE TABLE model_version_tags (
	version BIGINT NOT NULL REFERENCES model_versions(id) ON DELETE CASCADE,
	key {{text}} NOT NULL,
	value {{text}} NOT NULL,
	PRIMARY KEY (version, key)
) {{clustered}};

CREATE TABLE model_aliases (
	model BIGINT NOT NULL REFERENCES registered_models(id) ON DELETE CASCADE,
	alias {{text}} NOT NULL,
	version BIGINT NOT NULL,
	PRIMARY KEY (model, alias)
) {{clustered}};

CREATE TABLE traces (
	id {{id}},
	trace_id {{text}} NOT NULL UNIQUE,
	experiment BIGINT NOT NULL REFERENCES experiments(id),
	client_request_id {{text}} NOT NULL,
	request_time BIGINT NOT NULL,
	duration BIGINT NOT NULL,
	state {{text}} NOT NULL,
	request_preview {{text}} NOT NULL,
	response_preview {{text}} NOT NULL
);
CREATE INDEX traces_by_time ON traces (experiment, request_time DESC, trace_id);

-- Tags of traces (metadata 0) and their metadata (metadata 1).
CREATE TABLE trace_tags (
	trace BIGINT NOT NULL REFERENCES traces(id) ON DELETE CASCADE,
	metadata SMALLINT NOT NULL,
	key {{text}} NOT NULL,
	value {{text}} NOT NULL,
	PRIMARY KEY (trace, metadata, key)
) {{clustered}};
CREATE INDEX trace_tags_by_value ON trace_tags (metadata, key, substr(value, 1, 64), trace);

CREATE TABLE trace_runs (
	trace BIGINT NOT NULL REFERENCES traces(id) ON DELETE CASCADE,
	run_id {{text}} NOT NULL,
	PRIMARY KEY (trace, run_id)
) {{clustered}};
CREATE INDEX trace_runs_by_run ON trace_runs (run_id, trace);

CREATE TABLE spans (
	trace BIGINT NOT NULL REFERENCES traces(id) ON DELETE CASCADE,
	span_id {{text}} NOT NULL,
	parent {{text}} NOT NULL,
	name {{text}} NOT NULL,
	type {{text}} NOT NULL,
	status {{text}} NOT NULL,
	start_nano BIGINT NOT NULL,
	end_nano BIGINT NOT NULL,
	content {{text}} NOT NULL,
	PRIMARY KEY (trace, span_id)
);

CREATE TABLE assessments (
	id {{id}},
	assessment_id {{text}} NOT NULL UNIQUE,
	trace BIGINT NOT NULL REFERENCES traces(id) ON DELETE CASCADE,
	span_id {{text}} NOT NULL,
	name {{text}} NOT NULL,
	source_type {{text}} NOT NULL,
	source_id {{text}} NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	expectation SMALLINT NOT NULL,
	value {{text}} NOT NULL,
	number DOUBLE PRECISION, -- of a value that is one
	error {{text}} NOT NULL,
	rationale {{text}} NOT NULL,
	metadata {{text}} NOT NULL, -- a JSON object of texts
	overrides {{text}} NOT NULL,
	valid SMALLINT NOT NULL
);
CREATE INDEX assessments_by_trace ON assessments (trace, created, id);
CREATE INDEX assessments_by_name ON assessments (name, trace);

CREATE TABLE artifacts (
	path {{text}} NOT NULL PRIMARY KEY,
	sum {{text}} NOT NULL,
	size BIGINT NOT NULL,
	executable SMALLINT NOT NULL,
	time BIGINT NOT NULL
) {{clustered}};

INSERT INTO experiments (id, name, location, created, updated) VALUES (0, 'Default', 'mlflow-artifacts:/0', {{now}}, {{now}});
