CREATE TABLE records (
	kind {{text}} NOT NULL,
	key {{text}} NOT NULL,
	value {{text}} NOT NULL,
	PRIMARY KEY (kind, key)
) {{clustered}};

CREATE TABLE lines (
	run BIGINT NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
	stream {{text}} NOT NULL,
	number BIGINT NOT NULL,
	content {{text}} NOT NULL,
	PRIMARY KEY (run, stream, number)
) {{clustered}};
