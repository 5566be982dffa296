#include "service/server/rpc/methods.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "suggest/v1/learning_service.pb.h"
#include "suggest/v1/suggestion_service.pb.h"

namespace suggest::server {
namespace {

TEST(MethodsTest, EveryRpcOfTheServicesHasARowThatSaysWhatItIs) {
  int rpcs = 0;
  for (const google::protobuf::FileDescriptor* file :
       {v1::SuggestRequest::descriptor()->file(), v1::IngestRewardsRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m, ++rpcs) {
        const google::protobuf::MethodDescriptor& rpc = *file->service(s)->method(m);
        const MethodRow* found = nullptr;
        for (const MethodRow& row : kMethodTable) {
          if (row.service == file->service(s)->name() && row.name == rpc.name()) found = &row;
        }
        ASSERT_NE(found, nullptr) << rpc.full_name() << " has no row in service/server/rpc/methods.h";
        EXPECT_EQ(found->streaming, rpc.server_streaming()) << rpc.full_name();
      }
    }
  }
  EXPECT_EQ(rpcs, kMethods);
}

TEST(MethodsTest, RowsStandInTheOrderOfTheirEnumAndShareNoPath) {
  std::set<std::string> paths;
  for (int m = 0; m < kMethods; ++m) {
    EXPECT_EQ(static_cast<int>(kMethodTable[m].method), m);
    EXPECT_TRUE(paths.insert(kMethodTable[m].path).second) << kMethodTable[m].path;
  }
}

}  // namespace
}  // namespace suggest::server
