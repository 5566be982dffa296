// suggestctl suggest-batch: the monthly run, one decision for each of many customers, over gRPC.
#include <cstdint>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "bandit/base/status_macros.h"
#include "google/protobuf/util/json_util.h"
#include "service/ctl/client.h"
#include "service/ctl/commands.h"

namespace suggest::ctl {
namespace {

// Customers of one request, of a longer list: the server takes 10,000.
constexpr size_t kCustomersPerRequest = 5000;

// One id a line; empty lines do not count.
absl::StatusOr<std::vector<std::string>> ReadCustomers(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("--customers: ", path, " cannot be read"));
  std::vector<std::string> customers;
  for (std::string line; std::getline(file, line);) {
    absl::StripAsciiWhitespace(&line);
    if (!line.empty()) customers.push_back(line);
  }
  if (file.bad()) return absl::DataLossError(absl::StrCat("--customers: ", path, " cannot be read to its end"));
  if (customers.empty()) return absl::InvalidArgumentError(absl::StrCat("--customers: ", path, " has no customer"));
  return customers;
}

// What became of the run's customers.
struct Tally {
  int64_t customers = 0;
  int64_t decided = 0;
  int64_t replayed = 0;  // had been decided by this run before
  int64_t sticky = 0;    // their open decision
  int64_t no_candidate = 0;
  std::map<std::string, int64_t> failed;  // by code
  std::string first_failure;
  std::string last_customer;

  void Add(const v1::SuggestBatchItem& item) {
    ++customers;
    last_customer = item.customer_id();
    const auto code = static_cast<absl::StatusCode>(item.code());
    if (code == absl::StatusCode::kOk) return Add(item.response());
    if (code == absl::StatusCode::kFailedPrecondition) {
      ++no_candidate;
      return;
    }
    ++failed[absl::StatusCodeToString(code)];
    if (first_failure.empty()) first_failure = absl::StrCat("customer ", item.customer_id(), ": ", item.message());
  }

  void Add(const v1::SuggestResponse& response) {
    if (response.replayed()) {
      ++replayed;
    } else if (response.sticky()) {
      ++sticky;
    } else {
      ++decided;
    }
  }

  bool new_ones() const { return decided + sticky > 0; }
};

// Appends each item as one line of JSON.
class ItemFile {
 public:
  static absl::StatusOr<ItemFile> Open(const std::string& path) {
    ItemFile items(path);
    if (!path.empty() && !items.file_) return absl::NotFoundError(absl::StrCat("--out: ", path, " cannot be written"));
    return items;
  }

  void Write(const v1::SuggestBatchItem& item) {
    if (path_.empty()) return;
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    options.always_print_primitive_fields = true;
    std::string line;
    if (!google::protobuf::util::MessageToJsonString(item, &line, options).ok()) {
      file_.setstate(std::ios::failbit);
      return;
    }
    file_ << line << '\n';
  }

  absl::Status Close() {
    if (path_.empty()) return absl::OkStatus();
    file_.close();
    return file_ ? absl::OkStatus()
                 : absl::DataLossError(absl::StrCat("--out: ", path_, " could not be written whole"));
  }

 private:
  explicit ItemFile(const std::string& path) : path_(path) {
    if (!path.empty()) file_.open(path, std::ios::app);
  }

  std::string path_;
  std::ofstream file_;
};

v1::SuggestBatchRequest ToBatchRequest(const Flags& flags) {
  v1::SuggestBatchRequest request;
  request.set_run_id(flags.Text("run-id"));
  request.set_count(static_cast<int32_t>(flags.Integer("count", 3)));
  request.set_fresh(flags.Switch("fresh"));
  for (const std::string& id : flags.List("candidate")) request.add_candidate_ids(id);
  for (const std::string& id : flags.List("exclude")) request.add_excluded_ids(id);
  if (flags.Switch("all")) {
    request.set_all_customers(true);
    request.set_after_customer_id(flags.Text("after"));
  }
  return request;
}

absl::Status CheckFlags(const Flags& flags) {
  if (flags.Switch("all") == flags.Has("customers")) return UsageError("one of --all and --customers FILE is needed");
  if (flags.Has("after") && !flags.Switch("all")) return UsageError("--after needs --all");
  return absl::OkStatus();
}

// Runs the list in requests of bounded size, or all customers in one.
absl::Status RunStreams(Client& client, v1::SuggestBatchRequest request, const std::vector<std::string>& customers,
                        const std::function<void(const v1::SuggestBatchItem&)>& take) {
  if (request.all_customers()) return client.SuggestBatch(request, take);
  for (size_t begin = 0; begin < customers.size(); begin += kCustomersPerRequest) {
    const size_t end = std::min(begin + kCustomersPerRequest, customers.size());
    request.mutable_customer_ids()->Assign(customers.begin() + begin, customers.begin() + end);
    RETURN_IF_ERROR(client.SuggestBatch(request, take));
  }
  return absl::OkStatus();
}

Outcome Report(const std::string& run_id, const Tally& tally) {
  Json failed = Json::object();
  int64_t failures = 0;
  std::string text =
      absl::StrCat("run ", run_id, ": ", GroupDigits(tally.customers), " customers: ", GroupDigits(tally.decided),
                   " decided, ", GroupDigits(tally.replayed), " had been decided before, ", GroupDigits(tally.sticky),
                   " have an open decision, ", GroupDigits(tally.no_candidate), " have no eligible candidate\n");
  for (const auto& [code, count] : tally.failed) {
    failed[code] = count;
    failures += count;
    absl::StrAppend(&text, "failed with ", code, ": ", GroupDigits(count), "\n");
  }
  if (failures > 0) absl::StrAppend(&text, "the first of them: ", tally.first_failure, "\n");
  Outcome outcome{Json::object({{"run_id", run_id},
                                {"customers", tally.customers},
                                {"decided", tally.decided},
                                {"replayed", tally.replayed},
                                {"sticky", tally.sticky},
                                {"no_candidate", tally.no_candidate},
                                {"failures", failures},
                                {"failed_by_code", failed},
                                {"last_customer_id", tally.last_customer}}),
                  text};
  if (failures > 0) {
    outcome.exit = ExitCode::kFailed;
  } else if (!tally.new_ones()) {
    outcome.exit = ExitCode::kNothingToDo;
  }
  return outcome;
}

absl::StatusOr<Outcome> RunSuggestBatch(const Invocation& invocation) {
  const Flags& flags = invocation.flags;
  RETURN_IF_ERROR(CheckFlags(flags));
  std::vector<std::string> customers;
  if (flags.Has("customers")) {
    ASSIGN_OR_RETURN(customers, ReadCustomers(flags.Text("customers")));
  }
  ASSIGN_OR_RETURN(ItemFile items, ItemFile::Open(flags.Text("out")));
  ASSIGN_OR_RETURN(const std::string address, ServerAddress(invocation));
  Client client(address, flags.Duration("timeout", absl::Hours(24)));
  Tally tally;
  const absl::Status status =
      RunStreams(client, ToBatchRequest(flags), customers, [&](const v1::SuggestBatchItem& item) {
        tally.Add(item);
        items.Write(item);
        invocation.progress.Update("suggest", tally.customers, static_cast<int64_t>(customers.size()));
      });
  invocation.progress.Finish();
  RETURN_IF_ERROR(items.Close());
  if (!status.ok()) {
    return absl::Status(status.code(), absl::StrCat(status.message(), "; ", tally.customers,
                                                    " customers were answered, the last of them '", tally.last_customer,
                                                    "'; the same --run-id goes on"));
  }
  return Report(flags.Text("run-id"), tally);
}

}  // namespace

Command SuggestBatchCommand() {
  return {
      .name = "suggest-batch",
      .summary = "Asks a server for one decision for each of many customers.",
      .details =
          "Run it again with the same run id after any failure: no customer gets a second decision.\n"
          "Exit code 1: the stream broke off, or some customers failed; having no eligible candidate is no failure.\n"
          "Exit code 3: every customer had been decided by this run before.",
      .flags = {{.name = "run-id",
                 .value_name = "ID",
                 .help = "Names the run: the same one never decides twice for a customer.",
                 .required = true},
                {.name = "all", .kind = FlagKind::kSwitch, .help = "All customers of the database."},
                {.name = "customers", .value_name = "FILE", .help = "These customers: one id a line."},
                {.name = "after", .value_name = "ID", .help = "With --all: only those that come after this one."},
                {.name = "count",
                 .kind = FlagKind::kInteger,
                 .value_name = "N",
                 .help = "How many suggestions for each; 3 by default.",
                 .minimum = 1,
                 .maximum = 100},
                CandidateFlag(),
                ExcludeFlag(),
                {.name = "fresh",
                 .kind = FlagKind::kSwitch,
                 .help = "Choose anew even for customers that have an open decision."},
                {.name = "out",
                 .value_name = "FILE",
                 .help = "Append each customer's decision or error to this file, one line of JSON each."},
                ServerFlag(),
                TimeoutFlag("24h")},
      .config = ConfigUse::kOptional,
      .run = RunSuggestBatch};
}

}  // namespace suggest::ctl
