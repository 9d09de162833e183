CREATE TABLE eval_datasets (
	id {{id}},
	dataset_id {{text}} NOT NULL UNIQUE,
	name {{text}} NOT NULL,
	digest {{text}} NOT NULL,
	fields {{text}} NOT NULL DEFAULT '',
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	created_by {{text}} NOT NULL DEFAULT '',
	updated_by {{text}} NOT NULL DEFAULT ''
);

CREATE TABLE eval_dataset_tags (
	dataset BIGINT NOT NULL REFERENCES eval_datasets(id) ON DELETE CASCADE,
	key {{text}} NOT NULL,
	value {{text}} NOT NULL,
	PRIMARY KEY (dataset, key)
) {{clustered}};

CREATE TABLE eval_dataset_experiments (
	dataset BIGINT NOT NULL REFERENCES eval_datasets(id) ON DELETE CASCADE,
	experiment BIGINT NOT NULL REFERENCES experiments(id) ON DELETE CASCADE,
	PRIMARY KEY (dataset, experiment)
) {{clustered}};

CREATE INDEX eval_dataset_experiments_by ON eval_dataset_experiments (experiment);

-- What an example has is JSON, '' for nothing. Digest is that of the inputs.
CREATE TABLE examples (
	id {{id}},
	dataset BIGINT NOT NULL REFERENCES eval_datasets(id) ON DELETE CASCADE,
	example_id {{text}} NOT NULL UNIQUE,
	digest {{text}} NOT NULL,
	inputs {{text}} NOT NULL,
	outputs {{text}} NOT NULL,
	expectations {{text}} NOT NULL,
	tags {{text}} NOT NULL,
	source {{text}} NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	created_by {{text}} NOT NULL,
	updated_by {{text}} NOT NULL,
	UNIQUE (dataset, digest)
);

CREATE INDEX examples_by_dataset ON examples (dataset, id);
