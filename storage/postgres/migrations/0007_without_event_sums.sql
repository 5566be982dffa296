-- The delay mode ES_DFM_IW (sums of importance-weighted events) is no mode of the service any more: its table goes.
-- Refused while the current model counts its pending exposures by it: ModelVersion.delay (field 8), DelayModel.mode
-- (field 1), ES_DFM_IW = 6 of protos/suggest/model/v1/model.proto and protos/suggest/config/v1/config.proto.

-- The base-128 number of a protobuf message that begins at byte `at`; `at` moves behind it.
CREATE FUNCTION pg_temp.varint(message bytea, INOUT at integer, OUT value bigint) LANGUAGE plpgsql AS $$
DECLARE
  shift integer := 0;
BEGIN
  value := 0;
  LOOP
    value := value | ((get_byte(message, at) & 127)::bigint << shift);
    shift := shift + 7;
    at := at + 1;
    EXIT WHEN get_byte(message, at - 1) < 128;
  END LOOP;
END $$;

-- The last value of a field of a message: a number's decimal digits or a submessage's bytes; NULL when it is absent.
CREATE FUNCTION pg_temp.field(message bytea, wanted integer, OUT number bigint, OUT bytes bytea) LANGUAGE plpgsql AS $$
DECLARE
  at integer := 0;
  key bigint;
  size bigint;
BEGIN
  WHILE at < length(message) LOOP
    SELECT v.at, v.value INTO at, key FROM pg_temp.varint(message, at) v;
    CASE key & 7
      WHEN 0 THEN
        SELECT v.at, v.value INTO at, size FROM pg_temp.varint(message, at) v;
        IF key >> 3 = wanted THEN number := size; END IF;
      WHEN 1 THEN at := at + 8;
      WHEN 2 THEN
        SELECT v.at, v.value INTO at, size FROM pg_temp.varint(message, at) v;
        IF key >> 3 = wanted THEN bytes := substr(message, at + 1, size::integer); END IF;
        at := at + size::integer;
      WHEN 5 THEN at := at + 4;
      ELSE RAISE EXCEPTION 'the current model is no protobuf message: wire type % at byte %', key & 7, at;
    END CASE;
  END LOOP;
END $$;

DO $$
DECLARE
  used bigint;
BEGIN
  SELECT m.version INTO used
  FROM suggest.current_model c JOIN suggest.model_versions m USING (version),
    -- || makes one copy in memory; a stored value would be read anew for each byte.
    LATERAL pg_temp.field(m.bytes || ''::bytea, 8) AS delay, LATERAL pg_temp.field(delay.bytes, 1) AS mode
  WHERE mode.number = 6;
  IF FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = format(
      'model version %s, the current one, counts pending exposures by delay mode ES_DFM_IW, which this build no longer '
      'has: set learning.delay_mode to another mode, run suggestctl ingest-rewards of the build before, and migrate again',
      used);
  END IF;
END $$;

DROP FUNCTION pg_temp.field, pg_temp.varint;
DROP TABLE suggest.event_buckets;
