-- A row of the decision log carries a checksum of all that was logged but `delivered`, which every reader but the
-- ingest checks (storage/log/checksum.h). It is null in the rows of programs before this one, and those are read
-- unchecked.
ALTER TABLE suggest.decisions ADD COLUMN checksum bigint;
