-- $1 neighbour, $2 limit, $3 owner, $4 lease in seconds, $5 documents and $6 batches that do not move on.
-- The batches that have work, found by skipping through the index; then one effect of each in turn, so
-- that a batch of ten is not stuck behind one of ten thousand. A document has one effect under way at a
-- time: what takes a deposit back must not overtake the deposit. A batch that is held still cleans up: what
-- was given up must not stay before those who sign. The time is that of the statement, which indexes can be searched
-- by.
WITH RECURSIVE batches AS (
    (SELECT batch_id FROM effects WHERE neighbour = $1 AND lease_token IS NULL ORDER BY batch_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT later.batch_id FROM effects AS later
        WHERE later.neighbour = $1 AND later.lease_token IS NULL AND later.batch_id > batches.batch_id
        ORDER BY later.batch_id LIMIT 1
    )
    FROM batches
    WHERE batches.batch_id IS NOT NULL
),
candidates AS (
    SELECT due.id
    FROM batches
    CROSS JOIN LATERAL (
        SELECT batches.batch_id = ANY ($6::uuid[])
            OR EXISTS (SELECT FROM batch_holds WHERE batch_holds.batch_id = batches.batch_id) AS held
    ) AS hold
    CROSS JOIN LATERAL (
        SELECT id, row_number() OVER (ORDER BY run_at, seq) AS turn
        FROM (
            SELECT id, run_at, seq FROM effects AS mine
            WHERE neighbour = $1 AND lease_token IS NULL
              AND batch_id = batches.batch_id AND run_at <= statement_timestamp()
              AND NOT (on_the_way AND (hold.held OR document_id = ANY ($5::uuid[])))
              AND NOT EXISTS (
                  SELECT FROM effects AS other
                  WHERE other.document_id = mine.document_id
                    AND (
                        other.lease_token IS NOT NULL
                        OR (other.neighbour = $1 AND other.seq < mine.seq AND other.run_at <= statement_timestamp()
                            AND NOT (other.on_the_way AND (hold.held OR mine.document_id = ANY ($5::uuid[]))))
                    )
              )
            ORDER BY run_at, seq
            LIMIT $2
        ) AS first
    ) AS due
    WHERE batches.batch_id IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM neighbour_holds
          WHERE neighbour_holds.neighbour = $1 AND neighbour_holds.until > statement_timestamp()
      )
    ORDER BY due.turn
    LIMIT $2
),
free AS MATERIALIZED (
    -- By id and nothing else, so that no plan looks for them elsewhere than under their ids.
    SELECT id, doubtful, lease_token FROM effects
    WHERE id = ANY (ARRAY(SELECT id FROM candidates))
    FOR UPDATE SKIP LOCKED
)
UPDATE effects
SET lease_token = gen_random_uuid(),
    lease_owner = $3,
    lease_until = clock_timestamp() + make_interval(secs => $4),
    doubtful = true
FROM free
WHERE effects.id = free.id AND free.lease_token IS NULL
RETURNING effects.id, document_id, batch_id, step, work, free.doubtful AS was_doubtful, failures, lease_token
