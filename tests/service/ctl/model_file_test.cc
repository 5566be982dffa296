#include "service/ctl/model_file.h"

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/common/sha256.h"
#include "service/decision/model_codec.h"

namespace suggest::ctl {
namespace {

using ::testing::HasSubstr;

class ModelFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = absl::StrCat(::testing::TempDir(), "/", test->name(), ".model");
    model_.set_format(decision::kModelFormat);
    model_.set_version(7);
    model_.mutable_lineage()->set_origin("warm-start");
    encoded_ = decision::EncodeModel(model_);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  void Put(const std::string& content) { std::ofstream(path_, std::ios::binary) << content; }
  std::string Get() {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void ExpectRefused(absl::StatusCode code, const std::string& words) {
    const absl::Status status = ReadModelFile(path_).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
    EXPECT_THAT(std::string(status.message()), HasSubstr(words));
  }

  std::string path_;
  model::v1::ModelVersion model_;
  decision::EncodedModel encoded_;
};

TEST_F(ModelFileTest, ADeviceAPipeOrALinkIsRefusedAndLeftAsItIs) {
  Put("kept");
  const std::string link = path_ + ".link";
  const std::string pipe = path_ + ".pipe";
  std::filesystem::remove(link);
  std::filesystem::remove(pipe);
  std::filesystem::create_symlink(path_, link);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& target : {std::string("/dev/null"), link, pipe, std::string("/")}) {
    const absl::Status status = WriteModelFile(target, "bytes", std::string(32, 'x'));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << target;
    EXPECT_THAT(std::string(status.message()), HasSubstr(target));
  }
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_TRUE(std::filesystem::is_symlink(link) && std::filesystem::is_fifo(pipe));
  EXPECT_EQ(Get(), "kept");
  std::filesystem::remove(link);
  std::filesystem::remove(pipe);
}

TEST_F(ModelFileTest, ReadsBackWhatItWrote) {
  ASSERT_TRUE(WriteModelFile(path_, encoded_.bytes, encoded_.sha256).ok());
  const auto read = ReadModelFile(path_);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->SerializeAsString(), model_.SerializeAsString());
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
}

TEST_F(ModelFileTest, RefusesEveryFlippedByteByName) {
  ASSERT_TRUE(WriteModelFile(path_, encoded_.bytes, encoded_.sha256).ok());
  const std::string whole = Get();
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x04);
    Put(damaged);
    const absl::Status status = ReadModelFile(path_).status();
    EXPECT_FALSE(status.ok()) << "byte " << i;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
  }
}

TEST_F(ModelFileTest, RefusesAFileThatIsCutShort) {
  ASSERT_TRUE(WriteModelFile(path_, encoded_.bytes, encoded_.sha256).ok());
  Put(Get().substr(0, Get().size() - 1));
  ExpectRefused(absl::StatusCode::kDataLoss, "its first line says");
}

TEST_F(ModelFileTest, RefusesWhatIsNoModelFile) {
  Put("hello\nworld");
  ExpectRefused(absl::StatusCode::kDataLoss, "is no model file");
  Put("");
  ExpectRefused(absl::StatusCode::kDataLoss, "is no model file");
}

TEST_F(ModelFileTest, RefusesANewerFileFormat) {
  Put("suggest-model 2 something else\n");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, "format 2, this build reads up to 1");
}

TEST_F(ModelFileTest, RefusesANewerModelFormat) {
  model_.set_format(decision::kModelFormat + 1);
  const std::string bytes = model_.SerializeAsString();
  ASSERT_TRUE(WriteModelFile(path_, bytes, Sha256(bytes)).ok());
  ExpectRefused(absl::StatusCode::kFailedPrecondition, absl::StrCat(decision::kModelFormat + 1));
}

TEST_F(ModelFileTest, NamesAMissingFileAndAnUnwritablePlace) {
  ExpectRefused(absl::StatusCode::kNotFound, "No such file");
  const absl::Status status = WriteModelFile("/nonexistent-folder/a.model", "x", "y");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/nonexistent-folder/a.model"));
}

}  // namespace
}  // namespace suggest::ctl
