#include "service/common/config_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "bandit/base/status_macros.h"

namespace suggest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

struct Unit {
  std::vector<absl::string_view> names;
  absl::Duration length;
};

const std::vector<Unit>& Units() {
  static const auto* const units = new std::vector<Unit>{{{"ns", "nanosecond", "nanoseconds"}, absl::Nanoseconds(1)},
                                                         {{"us", "microsecond", "microseconds"}, absl::Microseconds(1)},
                                                         {{"ms", "millisecond", "milliseconds"}, absl::Milliseconds(1)},
                                                         {{"s", "sec", "secs", "second", "seconds"}, absl::Seconds(1)},
                                                         {{"m", "min", "mins", "minute", "minutes"}, absl::Minutes(1)},
                                                         {{"h", "hour", "hours"}, absl::Hours(1)},
                                                         {{"d", "day", "days"}, absl::Hours(24)},
                                                         {{"w", "week", "weeks"}, absl::Hours(7 * 24)}};
  return *units;
}

template <typename Accept>
absl::string_view TakeWhile(absl::string_view* text, Accept accept) {
  size_t length = 0;
  while (length < text->size() && accept((*text)[length])) ++length;
  const absl::string_view taken = text->substr(0, length);
  text->remove_prefix(length);
  return taken;
}

bool IsWordCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
}

absl::StatusOr<absl::Time> ReadTimestampText(absl::string_view text) {
  absl::Time time;
  std::string error;
  const bool four_digit_year = text.size() >= 10 && text[4] == '-';
  if (four_digit_year && (absl::ParseTime(absl::RFC3339_full, text, &time, &error) ||
                          absl::ParseTime("%Y-%m-%d", text, absl::UTCTimeZone(), &time, &error))) {
    return time;
  }
  return absl::InvalidArgumentError("is not a date such as \"2026-06-01\" or a time such as \"2026-06-01T12:00:00Z\"");
}

std::string SecondsAndNanos(absl::Duration duration) {
  const int64_t seconds = absl::IDivDuration(duration, absl::Seconds(1), &duration);
  return absl::StrCat("{ seconds: ", seconds, " nanos: ", absl::ToInt64Nanoseconds(duration), " }");
}

// Walks through the text once, with the message types that are open.
class Rewriter {
 public:
  Rewriter(absl::string_view text, absl::string_view name, const Descriptor* root)
      : text_(text), name_(name), open_({root}) {}

  absl::StatusOr<std::string> Run() {
    while (at_ < text_.size()) RETURN_IF_ERROR(Step());
    return std::move(out_);
  }

 private:
  // One token, or a field's name with its value where that is rewritten.
  absl::Status Step() {
    const char c = text_[at_];
    if (c == '#') {
      Copy(std::min(text_.find('\n', at_), text_.size()));
    } else if (c == '"' || c == '\'') {
      Copy(AfterString(at_));
    } else if (c == '{' || c == '<') {
      open_.push_back(nullptr);
      Copy(at_ + 1);
    } else if (c == '}' || c == '>') {
      if (open_.size() > 1) open_.pop_back();
      Copy(at_ + 1);
    } else if (IsWordCharacter(c)) {
      return Field();
    } else {
      Copy(at_ + 1);
    }
    return absl::OkStatus();
  }

  absl::Status Field() {
    const size_t begin = at_;
    const size_t end = AfterWord(begin);
    const std::string word(text_.substr(begin, end - begin));
    const Descriptor* const message = open_.back();
    const size_t next = AfterSpace(end);
    const bool has_colon = next < text_.size() && text_[next] == ':';
    const bool opens = next < text_.size() && (text_[next] == '{' || text_[next] == '<');
    if (message == nullptr || (!has_colon && !opens)) {
      Copy(end);
      return absl::OkStatus();
    }
    const FieldDescriptor* const field = message->FindFieldByName(word);
    if (field == nullptr && message->IsReservedName(word)) {
      return Error(begin, absl::StrCat("field '", word, "' of ", message->name(), " is gone; remove it"));
    }
    if (field == nullptr) return UnknownField(begin, word, *message);
    const size_t value = has_colon ? AfterSpace(next + 1) : next;
    Copy(value);
    return Value(*field);
  }

  // The value at at_. A list is copied as it stands.
  absl::Status Value(const FieldDescriptor& field) {
    if (at_ >= text_.size()) return absl::OkStatus();
    const char c = text_[at_];
    if (c == '{' || c == '<') {
      open_.push_back(field.message_type());
      Copy(at_ + 1);
      return absl::OkStatus();
    }
    if (field.type() == FieldDescriptor::TYPE_ENUM && IsWordCharacter(c)) return EnumValue(*field.enum_type());
    if (field.message_type() != nullptr && IsTime(*field.message_type())) return TimeValue(field);
    Copy(c == '"' || c == '\'' ? AfterString(at_) : std::max(at_ + 1, AfterBareValue(at_)));
    return absl::OkStatus();
  }

  static bool IsTime(const Descriptor& type) {
    return type.full_name() == "google.protobuf.Duration" || type.full_name() == "google.protobuf.Timestamp";
  }

  absl::Status TimeValue(const FieldDescriptor& field) {
    const size_t begin = at_;
    const bool quoted = text_[begin] == '"' || text_[begin] == '\'';
    const size_t end = quoted ? AfterString(begin) : AfterBareValue(begin);
    const absl::string_view value = quoted ? text_.substr(begin + 1, end - begin - std::min<size_t>(2, end - begin))
                                           : text_.substr(begin, end - begin);
    const std::string place = absl::StrCat(field.name(), ": '", absl::CHexEscape(value), "' ");
    if (field.message_type()->name() == "Duration") {
      const absl::StatusOr<absl::Duration> duration = ReadDurationText(value);
      if (!duration.ok()) return Error(begin, absl::StrCat(place, duration.status().message()));
      out_ += SecondsAndNanos(*duration);
    } else {
      const absl::StatusOr<absl::Time> time = ReadTimestampText(value);
      if (!time.ok()) return Error(begin, absl::StrCat(place, time.status().message()));
      out_ += SecondsAndNanos(*time - absl::UnixEpoch());
    }
    at_ = end;
    return absl::OkStatus();
  }

  absl::Status EnumValue(const EnumDescriptor& type) {
    const size_t begin = at_;
    const size_t end = AfterWord(begin);
    const absl::string_view word = text_.substr(begin, end - begin);
    std::vector<std::string> names;
    int number = 0;
    const bool is_number = absl::SimpleAtoi(word, &number);
    for (int i = 0; i < type.value_count(); ++i) {
      const std::string& known = type.value(i)->name();
      if (absl::EqualsIgnoreCase(known, word) || (is_number && type.value(i)->number() == number)) {
        out_ += is_number ? std::string(word) : known;
        at_ = end;
        return absl::OkStatus();
      }
      if (type.value(i)->number() != 0) names.push_back(known);
    }
    return Error(begin, absl::StrCat("'", word, "' is none of ", absl::StrJoin(names, ", ")));
  }

  absl::Status UnknownField(size_t at, absl::string_view word, const Descriptor& message) const {
    std::vector<std::string> names;
    for (int i = 0; i < message.field_count(); ++i) names.push_back(message.field(i)->name());
    return Error(at, absl::StrCat(message.name(), " has no field '", word, "'; it has ", absl::StrJoin(names, ", ")));
  }

  absl::Status Error(size_t at, absl::string_view what) const {
    const absl::string_view before = text_.substr(0, at);
    const size_t line = 1 + std::count(before.begin(), before.end(), '\n');
    const size_t last_break = before.rfind('\n');
    const size_t column = at - (last_break == absl::string_view::npos ? 0 : last_break + 1) + 1;
    return absl::InvalidArgumentError(absl::StrCat(name_, ":", line, ":", column, ": ", what));
  }

  size_t AfterWord(size_t at) const {
    while (at < text_.size() && IsWordCharacter(text_[at])) ++at;
    return at;
  }

  // A bare value ends where a token of the text format begins.
  size_t AfterBareValue(size_t at) const {
    while (at < text_.size() && !absl::ascii_isspace(static_cast<unsigned char>(text_[at])) &&
           text_.substr(at, 1).find_first_of("{}<>[],;#\"'") == absl::string_view::npos) {
      ++at;
    }
    return at;
  }

  size_t AfterString(size_t at) const {
    const char quote = text_[at];
    for (++at; at < text_.size() && text_[at] != quote && text_[at] != '\n'; ++at) {
      if (text_[at] == '\\') ++at;
    }
    return std::min(at + 1, text_.size());
  }

  // After blanks, line breaks and comments.
  size_t AfterSpace(size_t at) const {
    while (at < text_.size()) {
      if (text_[at] == '#') {
        at = std::min(text_.find('\n', at), text_.size());
      } else if (absl::ascii_isspace(static_cast<unsigned char>(text_[at]))) {
        ++at;
      } else {
        break;
      }
    }
    return at;
  }

  void Copy(size_t end) {
    out_.append(text_.data() + at_, end - at_);
    at_ = end;
  }

  const absl::string_view text_;
  const absl::string_view name_;
  std::vector<const Descriptor*> open_;  // null: a message of a type that is not known here
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

absl::StatusOr<absl::Duration> ReadDurationText(absl::string_view text) {
  const absl::Status refused = absl::InvalidArgumentError(
      "is not a duration such as \"14d\", \"36h\", \"1h30m\" or \"500ms\" (w, d, h, m, s, ms, us, ns)");
  absl::string_view rest = absl::StripAsciiWhitespace(text);
  if (rest == "0") return absl::ZeroDuration();
  const bool negative = absl::ConsumePrefix(&rest, "-");
  if (rest.empty()) return refused;
  absl::Duration sum;
  while (!rest.empty()) {
    const absl::string_view number =
        TakeWhile(&rest, [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '.'; });
    TakeWhile(&rest, [](char c) { return c == ' '; });
    const std::string word = absl::AsciiStrToLower(
        TakeWhile(&rest, [](char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)); }));
    TakeWhile(&rest, [](char c) { return c == ' '; });
    double count = 0;
    if (!absl::SimpleAtod(number, &count)) return refused;
    const auto unit = std::find_if(Units().begin(), Units().end(), [&](const Unit& candidate) {
      return std::find(candidate.names.begin(), candidate.names.end(), absl::string_view(word)) !=
             candidate.names.end();
    });
    if (unit == Units().end()) return refused;
    int64_t whole = 0;
    sum += absl::SimpleAtoi(number, &whole) ? whole * unit->length : count * unit->length;
  }
  constexpr absl::Duration kLongest = absl::Hours(24 * 366 * 1000);
  if (sum > kLongest) return refused;
  return negative ? -sum : sum;
}

absl::StatusOr<std::string> ToTextFormat(absl::string_view text, absl::string_view name, const Descriptor* root) {
  return Rewriter(text, name, root).Run();
}

}  // namespace suggest
