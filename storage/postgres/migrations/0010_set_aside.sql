-- Exposures that the learner has set aside because no posterior could be solved with them. They teach nothing (basis 0)
-- until a warm start reads their customers' and recommendations' values anew.
ALTER TABLE suggest.exposures ADD COLUMN set_aside boolean NOT NULL DEFAULT false;
CREATE INDEX exposures_set_aside ON suggest.exposures (suggestion_id) WHERE set_aside;
