-- The lines of a plan, as every version of PostgreSQL has them.
CREATE FUNCTION plan_lines(query text, options text DEFAULT 'COSTS OFF') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
  FOR line IN EXECUTE format('EXPLAIN (%s) %s', options, query) LOOP
    CONTINUE WHEN line ~ '^ *(Buffers: |Disabled: )';
    line := regexp_replace(line, ' \(returns .*\)', '');
    line := regexp_replace(line, 'rows=(\d+)\.00', 'rows=\1');
    RETURN NEXT replace(line, 'InitPlan expr_', 'InitPlan ');
  END LOOP;
END $$;
