// A PostgreSQL server of the test's own (deploy/private_postgres), for tests that stop and start it.
#ifndef TESTS_SUPPORT_PRIVATE_POSTGRES_H_
#define TESTS_SUPPORT_PRIVATE_POSTGRES_H_

#include <string>

namespace suggest::testing {

class PrivatePostgres {
 public:
  // Starts a fresh one, without fsync. It is stopped and its folder removed when this object goes, or when the process
  // ends in whatever way.
  PrivatePostgres();
  ~PrivatePostgres();
  PrivatePostgres(const PrivatePostgres&) = delete;
  PrivatePostgres& operator=(const PrivatePostgres&) = delete;

  // A superuser's libpq connection string.
  const std::string& connection() const { return connection_; }
  // As if it had crashed.
  void StopImmediately();
  // After StopImmediately: the same data on the same socket.
  void Start();

 private:
  std::string folder_;
  std::string connection_;
  int watcher_pipe_ = -1;
};

}  // namespace suggest::testing

#endif  // TESTS_SUPPORT_PRIVATE_POSTGRES_H_
