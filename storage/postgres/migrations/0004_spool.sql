-- Decisions that were answered from a local spool while PostgreSQL was away, and whose request had been answered by
-- another decision before the spool was drained. They were served, so they stay explainable; no table of the learner
-- refers to them, so they teach nothing. record: a serialized suggest.model.v1.LoggedDecision.
CREATE TABLE suggest.superseded_decisions (
  customer_id text NOT NULL,
  decision_id uuid NOT NULL,
  request_id text NOT NULL,
  superseded_by uuid NOT NULL,
  drained_at timestamptz NOT NULL,
  record bytea NOT NULL,
  PRIMARY KEY (customer_id, decision_id)
);
