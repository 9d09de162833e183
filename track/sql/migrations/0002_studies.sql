-- A study counts its trials, so that they are numbered without gaps.
CREATE TABLE studies (
	id {{id}},
	name {{text}} NOT NULL UNIQUE,
	directions {{text}} NOT NULL, -- separated by spaces
	trials BIGINT NOT NULL DEFAULT 0,
	created BIGINT NOT NULL,
	run_id {{text}} NOT NULL DEFAULT ''
);

-- Attributes of users (system 0) and of samplers and pruners (system 1).
CREATE TABLE study_attrs (
	study BIGINT NOT NULL REFERENCES studies(id) ON DELETE CASCADE,
	system SMALLINT NOT NULL,
	key {{text}} NOT NULL,
	value {{text}} NOT NULL,
	PRIMARY KEY (study, system, key)
) {{clustered}};

-- The distribution that a parameter had first in a study.
CREATE TABLE study_params (
	study BIGINT NOT NULL REFERENCES studies(id) ON DELETE CASCADE,
	name {{text}} NOT NULL,
	distribution {{text}} NOT NULL,
	PRIMARY KEY (study, name)
) {{clustered}};

-- Values are separated by spaces. Times are microseconds. The request is the one
-- that made the trial or set its state last: repeated, it changes nothing.
CREATE TABLE trials (
	id {{id}},
	study BIGINT NOT NULL REFERENCES studies(id) ON DELETE CASCADE,
	number BIGINT NOT NULL,
	state {{text}} NOT NULL,
	objectives {{text}} NOT NULL DEFAULT '',
	start_time BIGINT NOT NULL DEFAULT 0,
	end_time BIGINT NOT NULL DEFAULT 0,
	run_id {{text}} NOT NULL DEFAULT '',
	request {{text}} NOT NULL,
	UNIQUE (study, number)
);
CREATE INDEX trials_by_study ON trials (study, id);
CREATE INDEX trials_by_run ON trials (run_id) WHERE run_id <> '';
CREATE INDEX trials_by_request ON trials (study, request);

CREATE TABLE trial_params (
	trial BIGINT NOT NULL REFERENCES trials(id) ON DELETE CASCADE,
	name {{text}} NOT NULL,
	place BIGINT NOT NULL,
	value DOUBLE PRECISION NOT NULL,
	is_nan SMALLINT NOT NULL,
	distribution {{text}} NOT NULL,
	PRIMARY KEY (trial, name)
) {{clustered}};

CREATE TABLE trial_values (
	trial BIGINT NOT NULL REFERENCES trials(id) ON DELETE CASCADE,
	step BIGINT NOT NULL,
	value DOUBLE PRECISION NOT NULL,
	is_nan SMALLINT NOT NULL,
	PRIMARY KEY (trial, step)
) {{clustered}};

CREATE TABLE trial_attrs (
	trial BIGINT NOT NULL REFERENCES trials(id) ON DELETE CASCADE,
	system SMALLINT NOT NULL,
	key {{text}} NOT NULL,
	value {{text}} NOT NULL,
	PRIMARY KEY (trial, system, key)
) {{clustered}};
