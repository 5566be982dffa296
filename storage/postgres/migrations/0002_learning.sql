-- The learner's state: ledger, day buckets, histories, model versions. Every key of a per-customer table begins with
-- customer_id. Times are always given by the program.

-- One row, made here: its lock is the learner's lock.
CREATE TABLE suggest.learner (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  basis_id bigint NOT NULL DEFAULT 0,
  currency text NOT NULL DEFAULT '',
  reward_cap double precision NOT NULL DEFAULT 0,
  first_live_day integer NOT NULL DEFAULT -2147483648,
  unpublished boolean NOT NULL DEFAULT false
);
INSERT INTO suggest.learner DEFAULT VALUES;

-- The ledger of exposures. A repeat has `continues` and no context. context: storage/postgres/packed_numbers.h.
CREATE TABLE suggest.exposures (
  customer_id text NOT NULL,
  suggestion_id text NOT NULL,
  recommendation_id text NOT NULL,
  exposed_at timestamptz NOT NULL,
  day integer NOT NULL,
  basis_id bigint NOT NULL,
  continues text,
  reward double precision NOT NULL DEFAULT 0,
  mature boolean NOT NULL DEFAULT false,
  historical boolean NOT NULL,
  context bytea,
  PRIMARY KEY (customer_id, suggestion_id)
);
CREATE INDEX exposures_pair ON suggest.exposures (customer_id, recommendation_id, exposed_at);
CREATE INDEX exposures_pending ON suggest.exposures (customer_id, suggestion_id) WHERE NOT mature AND continues IS NULL;
CREATE INDEX exposures_day ON suggest.exposures (day);

-- Each purchase as it was last booked. status: storage::PurchaseStatus.
CREATE TABLE suggest.purchase_state (
  customer_id text NOT NULL,
  purchase_id text NOT NULL,
  recommendation_id text NOT NULL,
  purchased_at timestamptz NOT NULL,
  visible_at timestamptz NOT NULL,
  amount double precision NOT NULL,
  currency text NOT NULL,
  named_suggestion_id text NOT NULL,
  cancelled_at timestamptz,
  status smallint NOT NULL,
  value double precision NOT NULL,
  suggestion_id text,
  reason text NOT NULL,
  recheck boolean NOT NULL DEFAULT false,
  booked_at timestamptz NOT NULL,
  PRIMARY KEY (customer_id, purchase_id)
);
CREATE INDEX purchase_state_exposure ON suggest.purchase_state (customer_id, suggestion_id);
CREATE INDEX purchase_state_pair ON suggest.purchase_state (customer_id, recommendation_id, purchased_at);

-- Append-only: what each purchase added to or took from each exposure. A re-attribution is two rows.
CREATE TABLE suggest.reward_ledger (
  entry_id bigint GENERATED ALWAYS AS IDENTITY,
  customer_id text NOT NULL,
  suggestion_id text NOT NULL,
  purchase_id text NOT NULL,
  value_change double precision NOT NULL,
  booked_at timestamptz NOT NULL,
  PRIMARY KEY (customer_id, entry_id)
);
CREATE INDEX reward_ledger_purchase ON suggest.reward_ledger (customer_id, purchase_id);

-- Sums of the mature exposures of one UTC day. sums: lower triangle of B row by row, then f.
CREATE TABLE suggest.buckets (
  basis_id bigint NOT NULL,
  day integer NOT NULL,
  weight double precision NOT NULL,
  exposures double precision NOT NULL,
  reward_sum double precision NOT NULL,
  reward_square_sum double precision NOT NULL,
  sums bytea NOT NULL,
  PRIMARY KEY (basis_id, day)
);

-- Counts that features are made of, as of the last ingest.
CREATE TABLE suggest.history_days (
  customer_id text NOT NULL,
  recommendation_id text NOT NULL,
  day integer NOT NULL,
  exposures integer NOT NULL,
  conversions integer NOT NULL,
  purchases integer NOT NULL,
  last_exposed_at timestamptz,
  last_purchased_at timestamptz,
  PRIMARY KEY (customer_id, recommendation_id, day)
);
CREATE INDEX history_days_recommendation ON suggest.history_days (recommendation_id, day);
CREATE TABLE suggest.recommendation_days (
  recommendation_id text NOT NULL,
  day integer NOT NULL,
  exposures bigint NOT NULL,
  conversions bigint NOT NULL,
  purchases bigint NOT NULL,
  last_exposed_at timestamptz,
  last_purchased_at timestamptz,
  PRIMARY KEY (recommendation_id, day)
);

-- Model versions: never edited. bytes: a serialized suggest.model.v1.ModelVersion.
CREATE TABLE suggest.model_versions (
  version bigint PRIMARY KEY,
  parent_version bigint NOT NULL,
  basis_id bigint NOT NULL,
  format integer NOT NULL,
  created_at timestamptz NOT NULL,
  data_cut timestamptz NOT NULL,
  origin text NOT NULL,
  dimension integer NOT NULL,
  exposures bigint NOT NULL,
  pending_exposures bigint NOT NULL,
  reward_sum double precision NOT NULL,
  noise_variance double precision NOT NULL,
  condition_number double precision NOT NULL,
  sha256 bytea NOT NULL,
  bytes bytea NOT NULL
);
CREATE TABLE suggest.current_model (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  version bigint NOT NULL REFERENCES suggest.model_versions
);

CREATE TABLE suggest.ingest_runs (
  run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tick timestamptz NOT NULL,
  model_version bigint NOT NULL,
  counts jsonb NOT NULL,
  seconds double precision NOT NULL
);
