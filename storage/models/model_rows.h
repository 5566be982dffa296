// The SQL of model versions, shared by the store and by the learner's transaction. Included by storage/*.cc only.
// All of them throw what libpqxx throws.
#ifndef STORAGE_MODELS_MODEL_ROWS_H_
#define STORAGE_MODELS_MODEL_ROWS_H_

#include <optional>
#include <pqxx/pqxx>

#include "storage/ledger/learning_records.h"

namespace suggest::storage {

std::optional<ModelRow> ReadCurrentModel(pqxx::transaction_base& tx);
std::optional<ModelRow> ReadModel(pqxx::transaction_base& tx, int64_t version);
void InsertModel(pqxx::transaction_base& tx, const ModelRow& row);
// Notifies at the commit.
void MakeModelCurrent(pqxx::transaction_base& tx, int64_t version);

}  // namespace suggest::storage

#endif  // STORAGE_MODELS_MODEL_ROWS_H_
