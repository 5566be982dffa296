// suggestctl warm-start, ingest-rewards and verify: the learner, in process, on the configured database.
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bandit/base/status_macros.h"
#include "service/ctl/client.h"
#include "service/ctl/commands.h"
#include "service/learning/ingester.h"
#include "service/learning/set_aside.h"
#include "service/learning/verify.h"
#include "service/learning/warm_start.h"

namespace suggest::ctl {
namespace {

learning::Progress ShowProgress(const Invocation& invocation) {
  return [&line = invocation.progress](absl::string_view phase, int64_t done, int64_t total) {
    line.Update(phase, done, total);
  };
}

// --- warm-start

// A number with so many decimals, or a dash where it could not be measured.
std::string Figure(double value, int decimals) {
  return std::isfinite(value) ? absl::StrFormat("%.*f", decimals, value) : "–";
}

std::string WithError(double value, double standard_error, int decimals) {
  return absl::StrCat(Figure(value, decimals), " ± ", Figure(standard_error, decimals));
}

std::string Money(double value) {
  return Figure(value, 3);
}

// A line of a measure: the model's, the baselines' and, where the truth is known, what can be attained.
class MeasureTable {
 public:
  MeasureTable(const std::string& heading, bool with_truth) : with_truth_(with_truth), table_(Columns(heading)) {}

  void Add(const std::string& name, const std::string& model, const std::string& base_rate = "",
           const std::string& popularity = "", const std::string& features = "", const std::string& truth = "") {
    std::vector<std::string> row = {"", name, model, base_rate, popularity};
    if (with_truth_) row.insert(row.end(), {features, truth});
    table_.AddRow(std::move(row));
  }

  std::string Print() { return table_.Print(); }

 private:
  std::vector<std::string> Columns(const std::string& heading) const {
    std::vector<std::string> columns = {"", heading, ">model", ">base rate", ">popularity"};
    if (with_truth_) columns.insert(columns.end(), {">within the features", ">truth"});
    return columns;
  }

  const bool with_truth_;
  Table table_;
};

std::string ChanceText(const model::v1::HeldOut& held_out) {
  const model::v1::Attainable& truth = held_out.truth();
  const model::v1::Attainable& features = held_out.features();
  MeasureTable table("chance of a purchase", held_out.has_truth());
  table.Add("AUC", WithError(held_out.auc(), held_out.auc_se(), 3), "0.500", Figure(held_out.popularity_auc(), 3),
            Figure(features.auc(), 3), Figure(truth.auc(), 3));
  table.Add("log loss", Figure(held_out.log_loss(), 4), Figure(held_out.base_rate_log_loss(), 4),
            Figure(held_out.popularity_log_loss(), 4), Figure(features.log_loss(), 4), Figure(truth.log_loss(), 4));
  table.Add("Brier skill", Figure(held_out.brier_skill(), 4), "0", Figure(held_out.popularity_brier_skill(), 4),
            Figure(features.brier_skill(), 4), Figure(truth.brier_skill(), 4));
  std::string text = table.Print();
  absl::StrAppendFormat(&text,
                        "  predicted %s, observed %s, ratio %s; best tenth: predicted %s, observed %s\n"
                        "  slope of observed on predicted %s; deciles within their interval: %d of %d\n"
                        "  %s predictions below %s, a quarter of the base rate, count as that\n",
                        Figure(held_out.mean_predicted(), 4), Figure(held_out.mean_observed(), 4),
                        Figure(held_out.predicted_over_observed(), 3), Figure(held_out.best_tenth_predicted(), 4),
                        Figure(held_out.best_tenth_observed(), 4), WithError(held_out.slope(), held_out.slope_se(), 2),
                        held_out.deciles_within(), held_out.calibration_size(), GroupDigits(held_out.floored()),
                        Figure(held_out.floor(), 4));
  return text;
}

std::string ValueText(const model::v1::HeldOut& held_out) {
  const model::v1::ValueHeldOut& value = held_out.value();
  const model::v1::Attainable& truth = held_out.truth();
  const model::v1::Attainable& features = held_out.features();
  MeasureTable table(absl::StrCat("expected value, ", value.currency()), held_out.has_truth());
  table.Add("root mean squared error", Money(value.rmse()), Money(value.base_rate_rmse()),
            Money(value.popularity_rmse()), Money(features.value_rmse()), Money(truth.value_rmse()));
  table.Add("skill", Figure(value.skill(), 4), "0", Figure(value.popularity_skill(), 4),
            Figure(features.value_skill(), 4), Figure(truth.value_skill(), 4));
  std::string text = table.Print();
  absl::StrAppendFormat(&text,
                        "  predicted %s, observed %s, ratio %s; best tenth: predicted %s, observed %s\n"
                        "  slope of observed on predicted %s; deciles within their interval: %d of %d\n",
                        Money(value.mean_predicted()), WithError(value.mean_observed(), value.mean_observed_se(), 3),
                        Figure(value.predicted_over_observed(), 3), Money(value.best_tenth_predicted()),
                        Money(value.best_tenth_observed()), WithError(value.slope(), value.slope_se(), 2),
                        value.deciles_within(), value.calibration_size());
  return text;
}

std::string DecileText(const model::v1::HeldOut& held_out) {
  const model::v1::ValueHeldOut& value = held_out.value();
  Table table({"", ">decile", ">n", ">chance", ">observed", ">95 % from", ">to",
               absl::StrCat(">value, ", value.currency()), ">observed", ">95 % from", ">to"});
  for (int i = 0; i < held_out.calibration_size(); ++i) {
    const model::v1::CalibrationDecile& chance = held_out.calibration(i);
    const model::v1::ValueDecile& money = value.calibration(i);
    table.AddRow({"", absl::StrCat(i + 1), GroupDigits(chance.n()), Figure(chance.mean_predicted(), 4),
                  Figure(chance.observed(), 4), Figure(chance.wilson_lower(), 4), Figure(chance.wilson_upper(), 4),
                  Money(money.mean_predicted()), Money(money.observed()), Money(money.lower()), Money(money.upper())});
  }
  return table.Print();
}

std::string HeldOutText(const model::v1::HeldOut& held_out, absl::string_view which) {
  return absl::StrCat("held out (", which, "): ", GroupDigits(held_out.exposures()), " exposures, ",
                      GroupDigits(held_out.purchases()), " bought, learned from ",
                      GroupDigits(held_out.training_exposures()), ", ridge ", absl::StrFormat("%g", held_out.ridge()),
                      "\n", ChanceText(held_out), ValueText(held_out), DecileText(held_out));
}

std::string RidgeText(const model::v1::Ridge& ridge) {
  std::string text = absl::StrFormat("  ridge %g", ridge.used());
  if (!std::isfinite(ridge.by_evidence())) {
    return absl::StrCat(text, ridge.configured() ? " (configured)" : "",
                        ": too few mature exposures to choose one by evidence\n");
  }
  if (!ridge.configured()) {
    return absl::StrCat(text, ", chosen by the evidence of ", GroupDigits(std::llround(ridge.exposures())),
                        " mature exposures\n");
  }
  return absl::StrCat(text, " (configured); the evidence of ", GroupDigits(std::llround(ridge.exposures())),
                      " mature exposures prefers ", absl::StrFormat("%g", ridge.by_evidence()), ", by ",
                      Figure(ridge.log_evidence_lost(), 1), " nats\n");
}

// What was done with each row of the history; nothing is left out silently.
std::string HistoryText(const model::v1::WarmStartReport& report) {
  return absl::StrCat("history: ", GroupDigits(report.exposures()), " exposures, ", GroupDigits(report.repeated()),
                      " repeats of an open one, ", GroupDigits(report.not_exposed()),
                      " suggestions short of the exposure event\n  purchases: ", GroupDigits(report.purchases()),
                      " attributed, ", GroupDigits(report.purchases_orphaned()), " without an exposure, ",
                      GroupDigits(report.purchases_late()), " too late, ", GroupDigits(report.purchases_early()),
                      " too early, ", GroupDigits(report.purchases_refused()), " refused\n");
}

std::string WarmStartText(const model::v1::WarmStartReport& report, bool dry_run, bool empty) {
  std::string text;
  for (const std::string& message : report.messages()) absl::StrAppend(&text, "note: ", message, "\n");
  if (!empty) absl::StrAppend(&text, HistoryText(report));
  for (const model::v1::SetAside& group : report.set_aside()) {
    absl::StrAppend(&text, "set aside: ", learning::SetAsideText(group), "\n");
  }
  for (const model::v1::SetAside& group : report.unreadable_values()) {
    absl::StrAppend(&text, "missing: ", learning::SetAsideText(group, "rows have a value that cannot be read"), "\n");
  }
  if (report.has_held_out()) {
    absl::StrAppend(&text, "cut at ", report.cut(), "\n", HeldOutText(report.held_out(), "all"));
    absl::StrAppendFormat(&text, "  %s %% of customer pairs have different three best recommendations\n",
                          Figure(100 * report.held_out().different_top3(), 0));
    if (report.held_out().has_complete()) {
      absl::StrAppend(&text, HeldOutText(report.held_out().complete(), "outcome complete"));
    }
  }
  const std::string name =
      dry_run ? "model (dry run, nothing stored)" : absl::StrCat("model version ", report.model_version());
  absl::StrAppendFormat(
      &text,
      "%s: learned from everything up to %s\n"
      "  %s exposures, %s bought; %s in the learning window; %d terms; base rate %.4f, noise sd %.4f\n%s",
      name, report.data_cut(), GroupDigits(report.exposures()), GroupDigits(report.purchases()),
      GroupDigits(report.exposures_in_window()), report.dimension(), report.base_rate(), report.noise_sd(),
      RidgeText(report.ridge()));
  return text;
}

absl::StatusOr<Outcome> RunWarmStart(const Invocation& invocation) {
  const Flags& flags = invocation.flags;
  if (flags.Switch("empty") && flags.Has("cut-share")) {
    return UsageError("--cut-share: there is nothing to cut with --empty");
  }
  ASSIGN_OR_RETURN(const Session session, OpenSession(invocation));
  learning::WarmStartOptions options;
  options.cut_share = flags.Real("cut-share", options.cut_share);
  options.empty = flags.Switch("empty");
  options.dry_run = flags.Switch("dry-run");
  options.replace = flags.Switch("replace");
  options.forget = flags.Switch("forget");
  if (flags.Has("data-cut")) options.data_cut = flags.Time("data-cut", absl::InfinitePast());
  const absl::StatusOr<model::v1::WarmStartReport> report = learning::RunWarmStart(
      *session.database, session.config, options, invocation.clock.Now(), ShowProgress(invocation));
  if (!report.ok()) return report.status();
  Json document = ProtoToJson(*report);
  document["dry_run"] = options.dry_run;
  return Outcome{std::move(document), WarmStartText(*report, options.dry_run, options.empty)};
}

// --- ingest-rewards

std::string IngestHeading(const v1::IngestRewardsResponse& response) {
  if (response.nothing_to_do()) return "nothing to do\n";
  if (response.model_version() == 0) return "no new model version\n";
  return absl::StrCat("model version ", response.model_version(), "\n");
}

// What this run saw, as far as there was any of it, and what is pending and in the window after it.
std::string IngestText(const v1::IngestRewardsResponse& response, bool dry_run) {
  const v1::IngestCounts& counts = response.counts();
  Table table({"", ">"});
  const auto row = [&](absl::string_view name, int64_t value, bool always = false) {
    if (value != 0 || always) table.AddRow({absl::StrCat("  ", name), GroupDigits(value)});
  };
  row("exposures booked", counts.exposures_booked());
  row("exposures repeated", counts.exposures_repeated());
  row("exposures matured", counts.exposures_matured());
  row("purchases attributed", counts.purchases_attributed());
  row("purchases without exposure", counts.purchases_orphaned());
  row("purchases too late", counts.purchases_late());
  row("purchases before their exposure, within the clock skew", counts.purchases_skewed());
  row("further purchases of an exposure", counts.purchases_repeated());
  row("purchases shown more than once", counts.purchases_duplicated());
  row("purchases of forgotten exposures", counts.purchases_forgotten());
  row("rewards at the cap", counts.rewards_clipped());
  row("exposures discarded after booking", counts.exposures_discarded());
  row("exposures of another feature basis", counts.exposures_foreign_basis());
  row("outages ended", counts.outages());
  row("purchases too early", counts.purchases_early());
  row("purchases refused", counts.purchases_refused());
  row("purchases vanished, not taken back", counts.purchases_vanished());
  row("exposures set aside", counts.exposures_set_aside());
  row("refunds", counts.refunds());
  row("amounts changed", counts.amounts_changed());
  row("reattributed", counts.reattributed());
  row("exposures pending now", counts.exposures_pending(), true);
  row("exposures in window now", counts.exposures_in_window(), true);
  std::string warnings;
  for (const std::string& warning : response.warnings()) absl::StrAppend(&warnings, "warning: ", warning, "\n");
  return absl::StrCat(warnings, dry_run ? "dry run, nothing stored: " : "", IngestHeading(response), table.Print());
}

absl::StatusOr<v1::IngestRewardsResponse> IngestByServer(const Invocation& invocation, bool dry_run) {
  Client client(invocation.flags.Text("server"), invocation.flags.Duration("timeout", absl::Minutes(10)));
  v1::IngestRewardsRequest request;
  request.set_dry_run(dry_run);
  request.set_accept_vanished(invocation.flags.Switch("accept-vanished"));
  return client.IngestRewards(request);
}

absl::StatusOr<v1::IngestRewardsResponse> IngestHere(const Invocation& invocation, bool dry_run) {
  ASSIGN_OR_RETURN(const Session session, OpenSession(invocation));
  learning::Ingester ingester(session.database.get(), session.config);
  ingester.set_accept_vanished(invocation.flags.Switch("accept-vanished"));
  ingester.set_rebuild(invocation.flags.Switch("rebuild"));
  return ingester.Run(invocation.clock.Now(), dry_run, ShowProgress(invocation));
}

absl::StatusOr<Outcome> RunIngest(const Invocation& invocation) {
  const bool by_server = invocation.flags.Has("server");
  if (!by_server && !invocation.flags.Has("config")) {
    return UsageError("ingest-rewards: --config FILE or --server HOST:PORT is required");
  }
  if (by_server && invocation.flags.Switch("rebuild")) {
    return UsageError("--rebuild: only with --config, in process");
  }
  const bool dry_run = invocation.flags.Switch("dry-run");
  const absl::StatusOr<v1::IngestRewardsResponse> response =
      by_server ? IngestByServer(invocation, dry_run) : IngestHere(invocation, dry_run);
  if (!response.ok()) return AlreadyRunningIfAborted(response.status());
  Json document = ProtoToJson(*response);
  document["dry_run"] = dry_run;
  return Outcome{std::move(document), IngestText(*response, dry_run),
                 response->nothing_to_do() ? ExitCode::kNothingToDo : ExitCode::kDone};
}

// --- verify

Outcome ToOutcome(const learning::VerifyReport& report) {
  Outcome outcome;
  Json problems = Json::array();
  for (const std::string& problem : report.problems) {
    problems.push_back(problem);
    absl::StrAppend(&outcome.text, "problem: ", problem, "\n");
  }
  absl::StrAppendFormat(
      &outcome.text,
      "model version %d: %s exposures in %s days compared; largest difference %.2g of a bucket's norm, "
      "%.2g of the model's (allowed %.0e)\n",
      report.model_version, GroupDigits(report.exposures), GroupDigits(report.days), report.worst_bucket,
      report.worst_model, learning::kVerifyTolerance);
  if (report.unpublished) {
    absl::StrAppend(&outcome.text, "something is booked that no version has yet: the model was not compared\n");
  }
  if (report.purchases_changed > 0) {
    absl::StrAppend(
        &outcome.text, GroupDigits(report.purchases_changed),
        " booked purchases are shown otherwise by source.purchases now: the next ingest-rewards books that\n");
  }
  absl::StrAppend(&outcome.text, report.ok() ? "the ledger agrees\n" : "the ledger DISAGREES\n");
  outcome.document = Json::object({{"ok", report.ok()},
                                   {"model_version", report.model_version},
                                   {"exposures", report.exposures},
                                   {"days", report.days},
                                   {"worst_bucket", report.worst_bucket},
                                   {"worst_model", report.worst_model},
                                   {"tolerance", learning::kVerifyTolerance},
                                   {"unpublished", report.unpublished},
                                   {"purchases_changed", report.purchases_changed},
                                   {"problems", std::move(problems)}});
  if (!report.ok()) outcome.exit = ExitCode::kFailed;
  return outcome;
}

absl::StatusOr<Outcome> RunVerify(const Invocation& invocation) {
  ASSIGN_OR_RETURN(const Session session, OpenSession(invocation));
  ASSIGN_OR_RETURN(const learning::VerifyReport report,
                   learning::Verify(*session.database, session.config, ShowProgress(invocation)));
  return ToOutcome(report);
}

}  // namespace

Command WarmStartCommand() {
  return {.name = "warm-start",
          .summary = "Makes model version 1 from the history in the source views.",
          .details =
              "First it learns from what was visible before a cut and reports how well it predicts the rest; then\n"
              "it learns from everything and stores that, all or nothing.\n"
              "While an ingest or another warm start is running it fails with exit code 1: nothing was learned.",
          .flags = {{.name = "cut-share",
                     .kind = FlagKind::kReal,
                     .value_name = "X",
                     .help = "Share of the exposures that lie before the cut of the held-out report; 0.6 by default.",
                     .minimum = 0.01,
                     .maximum = 0.99},
                    {.name = "empty",
                     .kind = FlagKind::kSwitch,
                     .help = "Without history: from the schema's configured centres and scales alone."},
                    {.name = "replace",
                     .kind = FlagKind::kSwitch,
                     .help = "A model is there already: start a new basis from the history in the source views."},
                    {.name = "forget",
                     .kind = FlagKind::kSwitch,
                     .help = "With --replace: also where live exposures, of decisions made here, are forgotten."},
                    {.name = "data-cut",
                     .kind = FlagKind::kTime,
                     .value_name = "TIME",
                     .help = "What the version knows; the first tick after the last event by default."},
                    {.name = "dry-run", .kind = FlagKind::kSwitch, .help = "Do and report everything, store nothing."}},
          .run = RunWarmStart};
}

Command IngestRewardsCommand() {
  return {.name = "ingest-rewards",
          .summary = "Books new exposures, purchases and refunds, and publishes the next model version.",
          .details =
              "In process on the configured database (for cron), or by the server of --server.\n"
              "It may be killed and run again at any time: nothing is booked twice.\n"
              "Exit code 3: there was nothing to do, or another run is at it.",
          .flags = {{.name = "dry-run", .kind = FlagKind::kSwitch, .help = "Count what a run would do, store nothing."},
                    {.name = "accept-vanished",
                     .kind = FlagKind::kSwitch,
                     .help = "Take back purchases that the source shows no more, however many they are."},
                    {.name = "rebuild",
                     .kind = FlagKind::kSwitch,
                     .help = "Make all sums anew from the ledger: after a run whose clock was ahead."},
                    {.name = "server",
                     .kind = FlagKind::kAddress,
                     .value_name = "HOST:PORT",
                     .help = "Let this suggestd do it; --config is not needed then."},
                    TimeoutFlag("10m")},
          .config = ConfigUse::kOptional,
          .run = RunIngest};
}

Command VerifyCommand() {
  return {.name = "verify",
          .summary = "Rebuilds the learner's sums from its ledger and compares.",
          .details = "Reads one state of the database; writes and locks nothing. Exit code 1: something differs.",
          .run = RunVerify};
}

}  // namespace suggest::ctl
