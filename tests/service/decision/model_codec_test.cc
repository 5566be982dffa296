#include "service/decision/model_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "google/protobuf/util/message_differencer.h"
#include "service/common/sha256.h"
#include "tests/service/decision/decision_fixture.h"
#include "tests/support/status_matchers.h"

namespace suggest::decision {
namespace {

using ::suggest::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(Sha256Test, GivesThePublishedDigest) {
  // FIPS 180-4, example "abc".
  EXPECT_EQ(absl::BytesToHexString(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(ModelCodecTest, GivesBackWhatWasEncoded) {
  const model::v1::ModelVersion model = TestModel(7);
  const EncodedModel encoded = EncodeModel(model);
  EXPECT_EQ(encoded.format, kModelFormat);
  const auto decoded = DecodeModel(encoded.bytes, encoded.sha256);
  ASSERT_THAT(decoded, ::suggest::testing::IsOk());
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*decoded, model));
  EXPECT_EQ(EncodeModel(*decoded).bytes, encoded.bytes);
}

TEST(ModelCodecTest, OneFlippedBitIsDataLoss) {
  const EncodedModel encoded = EncodeModel(TestModel());
  std::string bytes = encoded.bytes;
  bytes[bytes.size() / 2] ^= 1;
  EXPECT_THAT(DecodeModel(bytes, encoded.sha256), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("SHA-256")));
}

TEST(ModelCodecTest, BytesThatAreNoModelAreDataLoss) {
  EXPECT_THAT(DecodeModel("\xff\xff", Sha256("\xff\xff")), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("2 bytes")));
}

TEST(ModelCodecTest, RefusesANewerFormatAndNamesBothNumbers) {
  model::v1::ModelVersion model = TestModel(9);
  model.set_format(kModelFormat + 1);
  const std::string bytes = model.SerializeAsString();
  EXPECT_THAT(DecodeModel(bytes, Sha256(bytes)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("model version 9 has format 2"), HasSubstr("up to 1"))));
}

TEST(ModelCodecTest, RefusesAModelWithoutFormat) {
  model::v1::ModelVersion model = TestModel(9);
  model.clear_format();
  const std::string bytes = model.SerializeAsString();
  EXPECT_THAT(DecodeModel(bytes, Sha256(bytes)), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("format 0")));
}

}  // namespace
}  // namespace suggest::decision
