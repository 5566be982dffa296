#include "service/decision/model_codec.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "service/common/sha256.h"

namespace suggest::decision {
namespace {

std::string Hex(absl::string_view bytes) {
  return absl::BytesToHexString(bytes);
}

}  // namespace

EncodedModel EncodeModel(model::v1::ModelVersion model) {
  model.set_format(kModelFormat);
  EncodedModel encoded;
  {
    google::protobuf::io::StringOutputStream stream(&encoded.bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    model.SerializeToCodedStream(&coded);
  }
  encoded.sha256 = Sha256(encoded.bytes);
  return encoded;
}

absl::StatusOr<model::v1::ModelVersion> DecodeModel(absl::string_view bytes, absl::string_view sha256) {
  if (const std::string actual = Sha256(bytes); actual != sha256) {
    return absl::DataLossError(
        absl::StrCat("model bytes have SHA-256 ", Hex(actual), ", their row says ", Hex(sha256)));
  }
  model::v1::ModelVersion model;
  if (!model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError(absl::StrCat("model of ", bytes.size(), " bytes is no ModelVersion message"));
  }
  if (model.format() > kModelFormat) {
    return absl::FailedPreconditionError(absl::StrCat("model version ", model.version(), " has format ", model.format(),
                                                      ", this program knows formats up to ", kModelFormat));
  }
  if (model.format() < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("model version ", model.version(), " has format ", model.format(), ", expected at least 1"));
  }
  return model;
}

}  // namespace suggest::decision
