-- Parts of long curves in short, so that a picture of one need not read all of its
-- points. A row is about those after the row before it, in the order of their
-- key, up to the one that it names: as many as all rows have. It is made from metrics,
-- and nothing is lost if it is missing. low and high are steps; points is as
-- outline.go says.
CREATE TABLE segments (
	run BIGINT NOT NULL,
	name BIGINT NOT NULL,
	time BIGINT NOT NULL,
	step BIGINT NOT NULL,
	value DOUBLE PRECISION NOT NULL,
	is_nan SMALLINT NOT NULL,
	low BIGINT NOT NULL,
	high BIGINT NOT NULL,
	points {{bytes}} NOT NULL,
	PRIMARY KEY (run, name, time, step, value, is_nan)
);
