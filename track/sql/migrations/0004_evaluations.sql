-- Datasets for evaluations. A schema is JSON; the records are counted.
CREATE TABLE evaluations (
	id {{id}},
	dataset_id {{text}} NOT NULL UNIQUE,
	name {{text}} NOT NULL,
	field_types {{text}} NOT NULL DEFAULT '',
	records BIGINT NOT NULL DEFAULT 0,
	digest {{text}} NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	created_by {{text}} NOT NULL DEFAULT '',
	updated_by {{text}} NOT NULL DEFAULT ''
);
CREATE INDEX evaluations_by_created ON evaluations (created);
CREATE INDEX evaluations_by_name ON evaluations (name);

CREATE TABLE evaluation_tags (
	evaluation BIGINT NOT NULL REFERENCES evaluations(id) ON DELETE CASCADE,
	key {{text}} NOT NULL,
	value {{text}} NOT NULL,
	PRIMARY KEY (evaluation, key)
) {{clustered}};

CREATE TABLE evaluation_experiments (
	evaluation BIGINT NOT NULL REFERENCES evaluations(id) ON DELETE CASCADE,
	experiment BIGINT NOT NULL REFERENCES experiments(id) ON DELETE CASCADE,
	PRIMARY KEY (evaluation, experiment)
) {{clustered}};
CREATE INDEX evaluations_by_experiment ON evaluation_experiments (experiment);

-- Inputs, expectations, tags and data of sources are lists of fields, in JSON.
CREATE TABLE evaluation_records (
	id {{id}},
	record_id {{text}} NOT NULL UNIQUE,
	evaluation BIGINT NOT NULL REFERENCES evaluations(id) ON DELETE CASCADE,
	inputs_digest {{text}} NOT NULL,
	inputs {{text}} NOT NULL,
	outputs {{text}} NOT NULL,
	expectations {{text}} NOT NULL,
	tags {{text}} NOT NULL,
	source_type {{text}} NOT NULL,
	source_id {{text}} NOT NULL,
	source_data {{text}} NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	created_by {{text}} NOT NULL,
	updated_by {{text}} NOT NULL,
	UNIQUE (evaluation, inputs_digest)
);
CREATE INDEX evaluation_records_in_order ON evaluation_records (evaluation, id);
