// Aborts with a message when our own code has broken a promise. Never for what the world can do wrong.
#ifndef BANDIT_BASE_CHECK_H_
#define BANDIT_BASE_CHECK_H_

#include <cstdio>
#include <cstdlib>

#define SUGGEST_CHECK(condition)                                                         \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)

#endif  // BANDIT_BASE_CHECK_H_
