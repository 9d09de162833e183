-- Links of runs to traces that have not come yet.
CREATE TABLE early_links (
	trace_id {{text}} NOT NULL,
	run_id {{text}} NOT NULL,
	PRIMARY KEY (trace_id, run_id)
) {{clustered}};
