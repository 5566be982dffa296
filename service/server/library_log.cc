#include "service/server/library_log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include "bandit/base/mutex.h"

namespace suggest::server {
namespace {

// Libraries know no object, and log from any thread.
Mutex library_mutex;
Log* library_log ABSL_GUARDED_BY(library_mutex) = nullptr;

void WriteLibraryLine(LogLevel level, const char* library, absl::string_view message) {
  ReaderLock lock(library_mutex);
  if (library_log != nullptr) library_log->Write(level, "library", {{"library", library}, {"message", message}});
}

void OnProtobufLine(google::protobuf::LogLevel level, const char*, int, const std::string& message) {
  WriteLibraryLine(level >= google::protobuf::LOGLEVEL_ERROR ? LogLevel::kError : LogLevel::kWarning, "protobuf",
                   message);
}

void OnGrpcLine(gpr_log_func_args* line) {
  WriteLibraryLine(line->severity == GPR_LOG_SEVERITY_ERROR ? LogLevel::kError : LogLevel::kInfo, "grpc",
                   line->message);
}

}  // namespace

LibraryLog::LibraryLog(Log* log) : log_(log) {
  MutexLock lock(library_mutex);
  library_log = log_;
  google::protobuf::SetLogHandler(&OnProtobufLine);
  gpr_set_log_function(&OnGrpcLine);
}

LibraryLog::~LibraryLog() {
  MutexLock lock(library_mutex);
  if (library_log == log_) library_log = nullptr;
}

}  // namespace suggest::server
