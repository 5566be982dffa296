// Refuses connections that have no session of their own.
#ifndef STORAGE_POSTGRES_SESSION_CHECK_H_
#define STORAGE_POSTGRES_SESSION_CHECK_H_

#include <pqxx/pqxx>
#include <string>

namespace suggest::storage {

// A pooler in transaction or statement mode lends one session to many connections, and takes prepared statements,
// settings and locks along. This opens a second connection by `connection_string` for as long as the check takes, and
// lets both ask in turns which process serves them: two sessions never share a process, and none changes it.
// Throws SharedSession when sessions are shared, and what libpqxx throws.
void CheckOwnSession(pqxx::connection& connection, const std::string& connection_string);

}  // namespace suggest::storage

#endif  // STORAGE_POSTGRES_SESSION_CHECK_H_
