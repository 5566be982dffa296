-- Serving: telling the replicas of changes, and a layout of the decision log that is never compressed.

-- What a replica that caches customers or the catalogue must hear of. Channel suggest_change, payload
--   <kind> *               anything of the kind may have changed
--   <kind> ["id", ...]     these ids; in pieces, since a payload has fewer than 8000 bytes
-- A trigger function for statements: TG_ARGV[0] is the kind, TG_ARGV[1] the id column. Its transition tables are named
-- new_rows and old_rows.
CREATE FUNCTION suggest.notify_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  kind CONSTANT text := TG_ARGV[0];
  changed text;
  ids text[];
  id text;
  element text;
  chunk text := '';
BEGIN
  IF TG_OP = 'TRUNCATE' OR kind = 'recommendations' THEN
    PERFORM pg_notify('suggest_change', kind || ' *');
    RETURN NULL;
  END IF;
  changed := CASE TG_OP
    WHEN 'INSERT' THEN 'SELECT %1$I::text AS id FROM new_rows'
    WHEN 'DELETE' THEN 'SELECT %1$I::text AS id FROM old_rows'
    ELSE 'SELECT %1$I::text AS id FROM new_rows UNION SELECT %1$I::text FROM old_rows' END;
  EXECUTE format('SELECT array_agg(id) FROM (SELECT DISTINCT id FROM (' || changed ||
                 ') rows WHERE id IS NOT NULL LIMIT 1001) few', TG_ARGV[1]) INTO ids;
  IF ids IS NULL THEN RETURN NULL; END IF;
  IF cardinality(ids) > 1000 THEN
    PERFORM pg_notify('suggest_change', kind || ' *');
    RETURN NULL;
  END IF;
  FOREACH id IN ARRAY ids LOOP
    element := to_json(id)::text;
    IF octet_length(element) > 4000 THEN
      PERFORM pg_notify('suggest_change', kind || ' *');
      RETURN NULL;
    END IF;
    IF octet_length(chunk) + octet_length(element) > 7900 THEN
      PERFORM pg_notify('suggest_change', kind || ' [' || chunk || ']');
      chunk := '';
    END IF;
    chunk := chunk || CASE WHEN chunk = '' THEN '' ELSE ',' END || element;
  END LOOP;
  PERFORM pg_notify('suggest_change', kind || ' [' || chunk || ']');
  RETURN NULL;
END
$$;

-- Puts the triggers on a table, in place of those that it may have. To be run by the table's owner.
CREATE FUNCTION suggest.watch(watched regclass, kind text, id_column text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  call CONSTANT text := format('FOR EACH STATEMENT EXECUTE FUNCTION suggest.notify_change(%L, %L)', kind, id_column);
BEGIN
  EXECUTE format('CREATE OR REPLACE TRIGGER suggest_change_insert AFTER INSERT ON %s '
                 'REFERENCING NEW TABLE AS new_rows %s', watched, call);
  EXECUTE format('CREATE OR REPLACE TRIGGER suggest_change_update AFTER UPDATE ON %s '
                 'REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows %s', watched, call);
  EXECUTE format('CREATE OR REPLACE TRIGGER suggest_change_delete AFTER DELETE ON %s '
                 'REFERENCING OLD TABLE AS old_rows %s', watched, call);
  EXECUTE format('CREATE OR REPLACE TRIGGER suggest_change_truncate AFTER TRUNCATE ON %s %s', watched, call);
END
$$;

-- For a table that source.customers or source.purchases reads: which column has the customer's id.
CREATE FUNCTION suggest.watch_customers(watched regclass, id_column text DEFAULT 'customer_id') RETURNS void
LANGUAGE sql AS $$ SELECT suggest.watch(watched, 'customers', id_column) $$;
-- For a table that source.recommendations reads.
CREATE FUNCTION suggest.watch_recommendations(watched regclass) RETURNS void
LANGUAGE sql AS $$ SELECT suggest.watch(watched, 'recommendations', '') $$;

SELECT suggest.watch_customers('builtin.customers');
SELECT suggest.watch_customers('builtin.purchases');
SELECT suggest.watch_recommendations('builtin.recommendations');

-- The tables behind a view, views seen through, that lack a trigger of that kind for some event.
CREATE FUNCTION suggest.unwatched(view_name regclass, kind text) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  WITH RECURSIVE used (oid) AS (
    SELECT view_name::oid
    UNION
    SELECT d.refobjid FROM used u
    JOIN pg_rewrite r ON r.ev_class = u.oid
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
  )
  SELECT c.oid::regclass::text FROM used u JOIN pg_class c ON c.oid = u.oid
  WHERE c.relkind <> 'v' AND 28 <> (
    SELECT coalesce(bit_or(t.tgtype & 28), 0) FROM pg_trigger t
    WHERE t.tgrelid = c.oid AND t.tgfoid = 'suggest.notify_change'::regproc AND t.tgenabled <> 'D'
      AND substring(t.tgargs FOR octet_length(kind)) = convert_to(kind, 'UTF8'))
$$;

-- A decision's numbers are noise to a compressor. Rows stay whole: below 2 kB untouched, above it uncompressed.
-- A new month copies this from the parent; the months that are there get it here.
DO $$
DECLARE
  month regclass;
BEGIN
  FOR month IN SELECT 'suggest.decisions'::regclass UNION ALL
               SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'suggest.decisions'::regclass LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN inputs SET STORAGE EXTERNAL, '
                   'ALTER COLUMN recommendation_ids SET STORAGE EXTERNAL', month);
  END LOOP;
END
$$;
