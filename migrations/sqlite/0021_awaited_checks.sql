-- The delivery for which a commit shows that it is waited for, until something else is known of it.
ALTER TABLE checks ADD COLUMN awaited_by TEXT;
CREATE INDEX checks_awaited ON checks (awaited_by) WHERE awaited_by IS NOT NULL;
