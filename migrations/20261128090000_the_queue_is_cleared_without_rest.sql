-- Each piece of work leaves two dead rows behind, and claims step over them until they are cleared: that is not put off
-- to spare the disk. Nor is the room given back, which takes a lock that claims wait for, and is wanted again soon.

ALTER TABLE effects SET (autovacuum_vacuum_cost_delay = 0, vacuum_truncate = off);
