-- Triggers that never fail the company's statement.

-- As in 0003, and: whatever goes wrong within (a column that was renamed, a type without text, a list that is too
-- long) is told as "anything of the kind may have changed". TG_ARGV[1] may be empty: the table has no customer's id.
CREATE OR REPLACE FUNCTION suggest.notify_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  kind CONSTANT text := coalesce(TG_ARGV[0], 'customers');
  id_column CONSTANT text := coalesce(TG_ARGV[1], '');
  changed text;
  ids text[];
  id text;
  element text;
  chunk text := '';
  chunks text[] := '{}';
BEGIN
  IF TG_OP = 'TRUNCATE' OR TG_LEVEL = 'ROW' OR kind = 'recommendations' OR id_column = '' THEN
    PERFORM pg_notify('suggest_change', kind || ' *');
    RETURN NULL;
  END IF;
  BEGIN
    changed := CASE TG_OP
      WHEN 'INSERT' THEN 'SELECT %1$I::text AS id FROM new_rows'
      WHEN 'DELETE' THEN 'SELECT %1$I::text AS id FROM old_rows'
      ELSE 'SELECT %1$I::text AS id FROM new_rows UNION SELECT %1$I::text FROM old_rows' END;
    EXECUTE format('SELECT array_agg(id) FROM (SELECT DISTINCT id FROM (' || changed ||
                   ') rows WHERE id IS NOT NULL LIMIT 1001) few', id_column) INTO ids;
    IF ids IS NULL THEN RETURN NULL; END IF;
    IF cardinality(ids) > 1000 THEN
      chunks := NULL;
    ELSE
      FOREACH id IN ARRAY ids LOOP
        element := to_json(id)::text;
        IF octet_length(element) > 4000 THEN
          chunks := NULL;
          EXIT;
        END IF;
        IF octet_length(chunk) + octet_length(element) > 7900 THEN
          chunks := chunks || chunk;
          chunk := '';
        END IF;
        chunk := chunk || CASE WHEN chunk = '' THEN '' ELSE ',' END || element;
      END LOOP;
    END IF;
  EXCEPTION WHEN OTHERS THEN
    chunks := NULL;
  END;
  IF chunks IS NULL THEN
    PERFORM pg_notify('suggest_change', kind || ' *');
    RETURN NULL;
  END IF;
  FOREACH chunk IN ARRAY chunks || chunk LOOP
    PERFORM pg_notify('suggest_change', kind || ' [' || chunk || ']');
  END LOOP;
  RETURN NULL;
END
$$;

-- Puts the triggers of a kind on a table, in place of those of the kind that it has. To be run by the table's owner.
-- Nothing is put on what cannot work: the error says what to watch instead.
CREATE OR REPLACE FUNCTION suggest.watch(watched regclass, kind text, id_column text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  call CONSTANT text := format('FOR EACH STATEMENT EXECUTE FUNCTION suggest.notify_change(%L, %L)', kind,
                               coalesce(id_column, ''));
  relation pg_class;
  old_name name;
  behind text;
BEGIN
  IF watched IS NULL THEN RAISE EXCEPTION 'suggest.watch: the table is null'; END IF;
  IF kind IS NULL OR kind NOT IN ('customers', 'recommendations') THEN
    RAISE EXCEPTION 'suggest.watch: kind % is neither customers nor recommendations', kind;
  END IF;
  SELECT * INTO relation FROM pg_class WHERE oid = watched;
  IF relation.oid IS NULL THEN RAISE EXCEPTION 'suggest.watch: there is no table with the number %', watched; END IF;
  IF relation.relkind = 'v' THEN
    SELECT string_agg(DISTINCT d.refobjid::regclass::text, ', ') INTO behind
    FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> watched
    WHERE r.ev_class = watched;
    RAISE EXCEPTION 'suggest.watch: % is a view, which cannot tell of changes', watched
      USING HINT = 'Watch each table that it reads: ' || coalesce(behind, 'none');
  ELSIF relation.relkind = 'm' THEN
    RAISE EXCEPTION 'suggest.watch: % is a materialized view, which cannot tell of changes', watched
      USING HINT = 'Leave database.customer_cache.change_detection at AUTO or set it to AGE: changes are noticed by age.';
  ELSIF relation.relkind = 'f' THEN
    RAISE EXCEPTION 'suggest.watch: % is a foreign table, whose changes are made elsewhere', watched
      USING HINT = 'Leave database.customer_cache.change_detection at AUTO or set it to AGE: changes are noticed by age.';
  ELSIF relation.relkind NOT IN ('r', 'p') THEN
    RAISE EXCEPTION 'suggest.watch: % is no table', watched;
  ELSIF relation.relispartition THEN
    RAISE EXCEPTION 'suggest.watch: % is a partition', watched
      USING HINT = 'Watch the table that it is a partition of: ' ||
                   (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = watched);
  END IF;
  IF coalesce(id_column, '') <> '' AND NOT EXISTS (
      SELECT FROM pg_attribute a WHERE a.attrelid = watched AND a.attname = id_column AND NOT a.attisdropped) THEN
    RAISE EXCEPTION 'suggest.watch: % has no column %', watched, quote_ident(id_column)
      USING HINT = 'Name the column that has the customer''s id, or null when the table has none; the columns are: ' ||
                   (SELECT string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_attribute a
                    WHERE a.attrelid = watched AND a.attnum > 0 AND NOT a.attisdropped);
  END IF;
  FOR old_name IN SELECT t.tgname FROM pg_trigger t
      WHERE t.tgrelid = watched AND t.tgfoid = 'suggest.notify_change'::regproc
        AND substring(t.tgargs FOR octet_length(kind) + 1) = convert_to(kind, 'UTF8') || '\x00'::bytea LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', old_name, watched);
  END LOOP;
  EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %s REFERENCING NEW TABLE AS new_rows %s',
                 'suggest_' || kind || '_insert', watched, call);
  EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %s REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows %s',
                 'suggest_' || kind || '_update', watched, call);
  EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %s REFERENCING OLD TABLE AS old_rows %s',
                 'suggest_' || kind || '_delete', watched, call);
  EXECUTE format('CREATE TRIGGER %I AFTER TRUNCATE ON %s %s', 'suggest_' || kind || '_truncate', watched, call);
END
$$;

-- Takes all triggers of suggest.watch_* off a table; how many there were.
CREATE FUNCTION suggest.unwatch(watched regclass) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  trigger_name name;
  dropped integer := 0;
BEGIN
  FOR trigger_name IN SELECT t.tgname FROM pg_trigger t
      WHERE t.tgrelid = watched AND t.tgfoid = 'suggest.notify_change'::regproc AND NOT t.tgisinternal
        AND t.tgparentid = 0 LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', trigger_name, watched);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END
$$;

-- What is watched, a row per table and kind. problem: why its triggers tell less than they could; null = they work.
CREATE FUNCTION suggest.watched() RETURNS TABLE (watched text, kind text, id_column text, problem text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
  WITH placed AS (
    SELECT t.tgrelid, t.tgtype, t.tgenabled, string_to_array(encode(t.tgargs, 'escape'), '\000') AS args
    FROM pg_trigger t WHERE t.tgfoid = 'suggest.notify_change'::regproc AND NOT t.tgisinternal AND t.tgparentid = 0
  ), grouped AS (
    SELECT tgrelid, args[1] AS kind, coalesce(args[2], '') AS id_column, bit_or(tgtype & 60) AS events,
           bool_or(tgenabled = 'D') AS disabled
    FROM placed GROUP BY tgrelid, args[1], coalesce(args[2], '')
  )
  SELECT g.tgrelid::regclass::text, g.kind, g.id_column,
         CASE WHEN g.disabled THEN 'triggers are disabled: ALTER TABLE ... ENABLE TRIGGER'
              WHEN g.events & 60 <> 60 THEN 'the trigger of some event is missing: call suggest.watch_' || g.kind || ' again'
              WHEN g.id_column <> '' AND g.kind = 'customers' AND NOT EXISTS (
                SELECT FROM pg_attribute a WHERE a.attrelid = g.tgrelid AND NOT a.attisdropped
                  AND a.attname = g.id_column)
              THEN 'column ' || g.id_column || ' is gone, so each change says that any customer may have changed: '
                   'call suggest.watch_customers with the column''s new name' END
  FROM grouped g ORDER BY 1, 2, 3
$$;

-- A relation that a kind needs told of changes, as in 0003, for args with a closing zero.
CREATE OR REPLACE FUNCTION suggest.unwatched(view_name regclass, kind text) RETURNS SETOF text
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
      AND substring(t.tgargs FOR octet_length(kind) + 1) = convert_to(kind, 'UTF8') || '\x00'::bytea)
$$;

CREATE OR REPLACE FUNCTION suggest.watch_customers(watched regclass, id_column text DEFAULT 'customer_id')
RETURNS void LANGUAGE sql AS $$ SELECT suggest.watch(watched, 'customers', id_column) $$;

SELECT suggest.watch_customers('builtin.customers');
SELECT suggest.watch_customers('builtin.purchases');
SELECT suggest.watch_recommendations('builtin.recommendations');
