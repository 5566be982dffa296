// SQL run beside the code under test: another session's, a company's, a look at what was stored.
#ifndef TESTS_SUPPORT_RAW_SQL_H_
#define TESTS_SUPPORT_RAW_SQL_H_

#include <memory>
#include <string>
#include <vector>

namespace suggest::testing {

// Rows of the result as text, "NULL" for null. Prints the error and aborts when the server refuses.
std::vector<std::vector<std::string>> RunSql(const std::string& connection, const std::string& sql);

// Returns once some session of that database waits for a lock. Aborts when none does for 20 s.
void WaitUntilSomeoneIsBlocked(const std::string& connection);

// A session that stays open, for transactions that overlap with the code under test.
class SqlSession {
 public:
  explicit SqlSession(const std::string& connection);
  ~SqlSession();
  SqlSession(const SqlSession&) = delete;
  SqlSession& operator=(const SqlSession&) = delete;

  std::vector<std::vector<std::string>> Run(const std::string& sql);

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace suggest::testing

#endif  // TESTS_SUPPORT_RAW_SQL_H_
