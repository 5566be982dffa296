-- The decision log in the order of time: rows are added at the end of its primary key, in pages that are in memory,
-- instead of all over it. A customer's decisions are found by way of suggest.request_ids, which names every one.
ALTER TABLE suggest.decisions DROP CONSTRAINT decisions_pkey;
ALTER TABLE suggest.decisions ADD PRIMARY KEY (decision_id, customer_id, decided_at);
