-- builtin: tables that `suggestctl import` fills. source: the views that a company may replace by its own.
-- suggest: the service's own state. Domain times are always given by the program; nothing here calls now().

CREATE SCHEMA builtin;
CREATE SCHEMA source;
CREATE SCHEMA IF NOT EXISTS suggest;

-- A customer's attributes from valid_from on, until the next row.
CREATE TABLE builtin.customers (
  customer_id text NOT NULL CHECK (customer_id <> ''),
  valid_from timestamptz NOT NULL DEFAULT '-infinity',
  attributes jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
  PRIMARY KEY (customer_id, valid_from)
);

CREATE TABLE builtin.recommendations (
  recommendation_id text PRIMARY KEY CHECK (recommendation_id <> ''),
  title text NOT NULL,
  active_from timestamptz,
  active_until timestamptz,
  repeatable boolean NOT NULL DEFAULT false,
  attributes jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object')
);

-- History: suggestions that were made before this service was there.
CREATE TABLE builtin.suggestions (
  customer_id text NOT NULL,
  suggestion_id text NOT NULL CHECK (suggestion_id <> ''),
  recommendation_id text NOT NULL,
  decided_at timestamptz NOT NULL,
  status text,
  propensity double precision,
  PRIMARY KEY (customer_id, suggestion_id)
);

CREATE TABLE builtin.purchases (
  customer_id text NOT NULL,
  purchase_id text NOT NULL CHECK (purchase_id <> ''),
  recommendation_id text NOT NULL,
  purchased_at timestamptz NOT NULL,
  amount numeric NOT NULL,
  currency text,
  suggestion_id text,
  visible_at timestamptz,
  cancelled_at timestamptz,
  PRIMARY KEY (customer_id, purchase_id)
);
-- The ingest looks at the purchases of the learning window.
CREATE INDEX purchases_purchased_at ON builtin.purchases (purchased_at);

-- The contract: these columns, of these types. Replace a view to plug in other tables.
CREATE VIEW source.customers AS
  SELECT customer_id, valid_from, attributes FROM builtin.customers;
CREATE VIEW source.recommendations AS
  SELECT recommendation_id, title, active_from, active_until, repeatable, attributes FROM builtin.recommendations;
CREATE VIEW source.suggestions AS
  SELECT suggestion_id, customer_id, recommendation_id, decided_at, status, propensity FROM builtin.suggestions;
CREATE VIEW source.purchases AS
  SELECT purchase_id, customer_id, recommendation_id, purchased_at, amount, currency, suggestion_id, visible_at,
         cancelled_at
  FROM builtin.purchases;

-- One row per answered Suggest. decision_id is a UUIDv7 whose millisecond is decided_at, so a look-up by it prunes to
-- one partition, and the primary key is in the order of time within a customer.
CREATE TABLE suggest.decisions (
  decided_at timestamptz NOT NULL,
  model_version bigint NOT NULL,
  seed bigint NOT NULL,
  decision_id uuid NOT NULL,
  policy smallint NOT NULL,
  propensity_status smallint NOT NULL,
  explore boolean NOT NULL,
  delivered boolean NOT NULL,
  customer_id text NOT NULL,
  request_id text NOT NULL,
  fallback_reason text NOT NULL,
  catalogue_version bytea NOT NULL,
  recommendation_ids text[] NOT NULL,
  inputs bytea NOT NULL,
  PRIMARY KEY (customer_id, decision_id, decided_at)
) PARTITION BY RANGE (decided_at);
-- Months are made ahead by the service; what falls outside them is kept here, and reported.
CREATE TABLE suggest.decisions_default PARTITION OF suggest.decisions DEFAULT;

-- Which decision answers a request: not partitioned, so that a retry finds it across the end of a month.
CREATE TABLE suggest.request_ids (
  customer_id text NOT NULL,
  request_id text NOT NULL,
  decision_id uuid NOT NULL,
  PRIMARY KEY (customer_id, request_id)
);

-- What became of a suggestion before money. suggestion_id is "<decision_id>.<rank>", kind a RecordFeedbackRequest.Kind.
CREATE TABLE suggest.feedback (
  customer_id text NOT NULL,
  suggestion_id text NOT NULL,
  kind smallint NOT NULL,
  occurred_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (customer_id, suggestion_id, kind)
);
-- The ingest looks at the feedback of the learning window.
CREATE INDEX feedback_occurred_at ON suggest.feedback (occurred_at);

-- The catalogues that decisions were made from, by the SHA-256 of their bytes.
CREATE TABLE suggest.catalogue_versions (
  version bytea PRIMARY KEY,
  created_at timestamptz NOT NULL,
  bytes bytea NOT NULL
);
