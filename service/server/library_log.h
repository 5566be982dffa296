// Lines that libraries would write to standard error (protobuf, gRPC) become lines of our log, so that it stays one
// JSON object a line.
#ifndef SERVICE_SERVER_LIBRARY_LOG_H_
#define SERVICE_SERVER_LIBRARY_LOG_H_

#include "service/server/log.h"

namespace suggest::server {

// As long as it lives. One for a process: of several, the last one made has the lines.
class LibraryLog {
 public:
  // `log` must outlive it.
  explicit LibraryLog(Log* log);
  ~LibraryLog();
  LibraryLog(const LibraryLog&) = delete;
  LibraryLog& operator=(const LibraryLog&) = delete;

 private:
  Log* const log_;
};

}  // namespace suggest::server

#endif  // SERVICE_SERVER_LIBRARY_LOG_H_
