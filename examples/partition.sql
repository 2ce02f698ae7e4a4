-- Cuts a register's table on PostgreSQL by region; the program notices nothing. With nobody writing:
--     psql URL -v table=contact -v part=310199001 -v until=310199002 -f examples/partition.sql
--     tocsin migrate --apply --no-backup   -- makes the indexes anew, on every part
-- More parts later: CREATE TABLE contact_3102 PARTITION OF contact FOR VALUES FROM ('3102') TO ('3103'), after moving their rows out of contact_rest.
\set ON_ERROR_STOP on
\set flat :table '_flat'
\set flat_key :table '_flat_pkey'
\set key :table '_pkey'
\set cut :table '_' :part
\set rest :table '_rest'
BEGIN;
ALTER TABLE :"table" RENAME TO :"flat";
ALTER INDEX :"key" RENAME TO :"flat_key";
CREATE TABLE :"table" (LIKE :"flat" INCLUDING DEFAULTS, PRIMARY KEY (id, region)) PARTITION BY RANGE (region);
CREATE TABLE :"cut" PARTITION OF :"table" FOR VALUES FROM (:'part') TO (:'until');
CREATE TABLE :"rest" PARTITION OF :"table" DEFAULT;
INSERT INTO :"table" SELECT * FROM :"flat";
DROP TABLE :"flat";
COMMIT;
