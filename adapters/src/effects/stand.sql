-- $1 node, $2 to $7 its gates, $8 after how many seconds of silence a process is taken to be dead.
-- How many living processes come before this one by name, and how many there are beside it.
WITH mine AS (
    INSERT INTO gates (node, neighbour, breaker, at_once, most, under_way, shut_until)
    SELECT $1, neighbour, breaker, at_once, most, under_way, clock_timestamp() + make_interval(secs => shut)
    FROM unnest($2::text[], $3::text[], $4::integer[], $5::integer[], $6::integer[], $7::float8[])
        AS gate (neighbour, breaker, at_once, most, under_way, shut)
    ON CONFLICT (node, neighbour) DO UPDATE
    SET breaker = EXCLUDED.breaker, at_once = EXCLUDED.at_once, most = EXCLUDED.most,
        under_way = EXCLUDED.under_way, shut_until = EXCLUDED.shut_until, seen_at = EXCLUDED.seen_at
),
dead AS (
    DELETE FROM gates
    WHERE node <> $1 AND seen_at < clock_timestamp() - 4 * make_interval(secs => $8)
)
SELECT count(DISTINCT node) FILTER (WHERE node < $1), count(DISTINCT node)
FROM gates
WHERE node <> $1 AND seen_at > clock_timestamp() - make_interval(secs => $8)
