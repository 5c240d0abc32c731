-- pg_temp.unsound(): what is wrong on disk with the tables and indexes outside the system's catalogs; no row if nothing is.
-- Of every table: verify_heapam (with its TOAST table), bt_index_parent_check of each B-tree index (each row of the table
-- has its entry, each entry is found from the root), and pg_visibility's checks that a page which is marked as visible to
-- all, or as frozen, is. Nobody writes meanwhile.
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS amcheck;
CREATE EXTENSION IF NOT EXISTS pg_visibility;
CREATE FUNCTION pg_temp.unsound() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  item record;
  tables int := 0;
  indexes int := 0;
BEGIN
  FOR item IN SELECT c.oid::regclass AS name FROM pg_class c
              WHERE c.relkind IN ('r', 'm', 't') AND c.oid >= 16384 AND c.relpersistence <> 't' ORDER BY 1 LOOP
    RETURN QUERY SELECT format('UNSOUND: %s, block %s, line %s, column %s: %s', item.name, v.blkno, v.offnum, v.attnum, v.msg)
                 FROM verify_heapam(item.name, check_toast => true) v;
    RETURN QUERY SELECT format('UNSOUND: %s, %s: marked as visible to all, and is not', item.name, v.t_ctid) FROM pg_check_visible(item.name) v;
    RETURN QUERY SELECT format('UNSOUND: %s, %s: marked as frozen, and is not', item.name, v.t_ctid) FROM pg_check_frozen(item.name) v;
    tables := tables + 1;
  END LOOP;
  FOR item IN SELECT i.indexrelid::regclass AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
              WHERE a.amname = 'btree' AND c.oid >= 16384 AND c.relpersistence <> 't' AND i.indisvalid ORDER BY 1 LOOP
    BEGIN
      PERFORM bt_index_parent_check(item.name, heapallindexed => true, rootdescend => true);
    EXCEPTION WHEN OTHERS THEN
      RETURN NEXT format('UNSOUND: %s: %s', item.name, sqlerrm);
    END;
    indexes := indexes + 1;
  END LOOP;
  IF tables = 0 OR indexes = 0 THEN
    RETURN NEXT 'UNSOUND: there is nothing to look at';
  END IF;
END $$;
