-- Delay laws by stratum, discarded exposures, outages of the ingest, and the sums of importance-weighted events.

-- stratum: of the delay law, '' for none. discarded: by the expert after it was booked. bought_at: when its first
-- purchase became visible, be it refunded since.
ALTER TABLE suggest.exposures
  ADD COLUMN stratum text NOT NULL DEFAULT '',
  ADD COLUMN discarded boolean NOT NULL DEFAULT false,
  ADD COLUMN bought_at timestamptz;

-- The tick of the last run that came to its end.
ALTER TABLE suggest.learner ADD COLUMN last_tick timestamptz;

-- Times without a run: (begins, ends].
CREATE TABLE suggest.outages (
  begins timestamptz NOT NULL,
  ends timestamptz PRIMARY KEY
);

-- As suggest.buckets, of importance-weighted events.
CREATE TABLE suggest.event_buckets (LIKE suggest.buckets INCLUDING ALL);

-- Bought exposures by key: pages of the delay laws.
CREATE INDEX exposures_bought ON suggest.exposures (customer_id, suggestion_id) WHERE bought_at IS NOT NULL;
-- What was booked before bought_at was kept.
UPDATE suggest.exposures e SET bought_at = s.visible_at
FROM (SELECT customer_id, suggestion_id, min(visible_at) AS visible_at FROM suggest.purchase_state
      WHERE status = 1 GROUP BY customer_id, suggestion_id) s
WHERE s.customer_id = e.customer_id AND s.suggestion_id = e.suggestion_id;
-- Mature exposures by age: what the models of delayed purchases are trained on.
CREATE INDEX exposures_mature ON suggest.exposures (exposed_at) WHERE mature AND continues IS NULL;
