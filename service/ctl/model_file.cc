#include "service/ctl/model_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "bandit/base/status_macros.h"
#include "service/decision/model_codec.h"

namespace suggest::ctl {
namespace {

constexpr absl::string_view kMagic = "suggest-model";
constexpr int kFileFormat = 1;

absl::Status Failure(absl::StatusCode code, const std::string& path, absl::string_view what) {
  return absl::Status(code, absl::StrCat(path, ": ", what));
}

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return Failure(absl::StatusCode::kNotFound, path, std::strerror(errno));
  std::string content;
  char block[1 << 16];
  size_t length = 0;
  while ((length = std::fread(block, 1, sizeof(block), file)) > 0) content.append(block, length);
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) return Failure(absl::StatusCode::kUnavailable, path, "cannot be read");
  return content;
}

bool IsHexDigest(absl::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

}  // namespace

absl::Status WriteModelFile(const std::string& path, const std::string& bytes, const std::string& sha256) {
  const std::string content =
      absl::StrCat(kMagic, " ", kFileFormat, " ", absl::BytesToHexString(sha256), " ", bytes.size(), "\n", bytes);
  struct stat present = {};
  if (lstat(path.c_str(), &present) == 0 && !S_ISREG(present.st_mode)) {
    return Failure(absl::StatusCode::kInvalidArgument, path,
                   "is a link, a device, a pipe or a folder, and would be replaced; name a plain file");
  }
  const std::string partial = absl::StrCat(path, ".partial");
  const int descriptor = open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
  std::FILE* file = descriptor < 0 ? nullptr : fdopen(descriptor, "wb");
  if (file == nullptr) return Failure(absl::StatusCode::kUnavailable, partial, std::strerror(errno));
  const bool written = std::fwrite(content.data(), 1, content.size(), file) == content.size();
  if (std::fclose(file) != 0 || !written || std::rename(partial.c_str(), path.c_str()) != 0) {
    const std::string reason = std::strerror(errno);
    std::remove(partial.c_str());
    return Failure(absl::StatusCode::kUnavailable, path, reason);
  }
  return absl::OkStatus();
}

absl::StatusOr<model::v1::ModelVersion> ReadModelFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string content, ReadWhole(path));
  const size_t line = content.find('\n');
  const std::vector<absl::string_view> header = absl::StrSplit(absl::string_view(content).substr(0, line), ' ');
  int format = 0;
  if (line == std::string::npos || header.size() < 2 || header[0] != kMagic || !absl::SimpleAtoi(header[1], &format)) {
    return Failure(absl::StatusCode::kDataLoss, path, "is no model file");
  }
  if (format > kFileFormat) {
    return Failure(absl::StatusCode::kFailedPrecondition, path,
                   absl::StrCat("the file has format ", format, ", this build reads up to ", kFileFormat));
  }
  uint64_t length = 0;
  if (header.size() != 4 || !IsHexDigest(header[2]) || !absl::SimpleAtoi(header[3], &length)) {
    return Failure(absl::StatusCode::kDataLoss, path, "the first line is damaged");
  }
  const absl::string_view bytes = absl::string_view(content).substr(line + 1);
  if (bytes.size() != length) {
    return Failure(absl::StatusCode::kDataLoss, path,
                   absl::StrCat("holds ", bytes.size(), " bytes of model, its first line says ", length));
  }
  absl::StatusOr<model::v1::ModelVersion> model = decision::DecodeModel(bytes, absl::HexStringToBytes(header[2]));
  if (!model.ok()) return Failure(model.status().code(), path, model.status().message());
  return model;
}

}  // namespace suggest::ctl
