#include "storage/postgres/session_check.h"

#include <set>

#include "storage/postgres/database_internal.h"

namespace suggest::storage {
namespace {

// A pooler that is idle lends its last used session first, so one turn tells; one that is busy, or goes round its
// sessions, needs a few.
constexpr int kTurns = 32;

int ServingProcess(pqxx::transaction_base& tx) {
  return tx.exec1("SELECT pg_catalog.pg_backend_pid()")[0].as<int>();
}

}  // namespace

void CheckOwnSession(pqxx::connection& connection, const std::string& connection_string) {
  pqxx::connection second(connection_string);
  std::set<int> of_first;
  std::set<int> of_second;
  for (int turn = 0; turn < kTurns; ++turn) {
    {
      pqxx::nontransaction tx(connection);
      of_first.insert(ServingProcess(tx));
    }
    pqxx::work tx(second);
    const int process = ServingProcess(tx);
    of_second.insert(process);
    if (of_first.size() > 1 || of_second.size() > 1 || of_first.count(process) > 0) {
      throw SharedSession(
          "database.connection leads to a pooler that shares sessions between connections (transaction or statement "
          "mode); use its session mode, or connect to PostgreSQL itself (docs/operations.md, Poolers)");
    }
  }
}

}  // namespace suggest::storage
