// docs/clients.md promises that its examples run as they stand: those in languages that the tests need anyway do so
// here, against a real suggestd.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/deployment.h"
#include "tests/support/document.h"

namespace suggest {
namespace {

class ClientsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    replica_ = company_.StartReplica();
    ASSERT_TRUE(replica_->ready()) << replica_->program().Errors();
  }

  // Runs a script of the page with the variables that the page names.
  RunResult RunScript(const std::string& interpreter, const std::string& script, const std::string& customer) {
    const std::string server = absl::StrCat("http://127.0.0.1:", replica_->http_port());
    return RunProgram({"/usr/bin/env", "--chdir", company_.folder(), "SUGGESTD=" + server, "CUSTOMER=" + customer,
                       interpreter, "-c", script},
                      company_.folder(), interpreter);
  }

  // How often each feedback was recorded for this customer's suggestions.
  std::string Feedback(const std::string& customer) {
    return company_.database().QueryOne(
        absl::StrCat("SELECT string_agg(kind::text, ',') FROM suggest.feedback WHERE customer_id = '", customer, "'"));
  }

  Deployment company_;
  std::unique_ptr<Replica> replica_;
};

TEST_F(ClientsTest, CurlAsksAndReportsWhatTheExpertKept) {
  const std::string script =
      absl::StrReplaceAll(testing::DocumentBlocks("clients.md", "sh"),
                          {{"localhost:7080", absl::StrCat("127.0.0.1:", replica_->http_port())}});
  const RunResult run = RunScript("bash", script, "c1");
  EXPECT_EQ(run.exit_code, 0) << run.errors;
  EXPECT_THAT(run.output, ::testing::HasSubstr(R"("recorded":true)"));
  EXPECT_EQ(Feedback("c1"), absl::StrCat(v1::RecordFeedbackRequest::KEPT));
}

TEST_F(ClientsTest, PythonAsksAndReportsWhatTheExpertKept) {
  const RunResult run = RunScript("python3", testing::DocumentBlocks("clients.md", "python"), "c2");
  EXPECT_EQ(run.exit_code, 0) << run.errors;
  EXPECT_EQ(Feedback("c2"), absl::StrCat(v1::RecordFeedbackRequest::KEPT));
}

}  // namespace
}  // namespace suggest
