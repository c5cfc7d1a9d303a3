// What a plan says, in words: for failures of `==`, and for tests that compare whole plans action by action.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "base/time.hpp"
#include "todoapp/names.hpp"
#include "todoapp/plan.hpp"
#include "todoapp/status.hpp"

namespace todoapp {

inline std::string words_of(Why why) {
  switch (why) {
    case Why::create:
      return "create ";
    case Why::change:
      return "change ";
    case Why::drift:
      return "repair ";
  }
  return {};
}

inline std::string named(Kind kind, const std::string& name) { return std::string(to_string(kind)) + " " + name; }

inline std::string words_of(const Apply& a) { return words_of(a.why) + named(a.intent.kind, a.intent.name); }
inline std::string words_of(const ReplacePorts& a) { return "replace the ports of " + a.intent.name; }
inline std::string words_of(const HandOverReplicas& a) {
  return "hand over " + std::to_string(a.replicas) + " replicas of " + a.name;
}
inline std::string words_of(const CreateRevision& a) { return "record " + a.name; }
inline std::string words_of(const Delete& a) { return "delete " + named(a.kind, a.name); }
inline std::string words_of(const WriteStatus& a) { return "show " + shown_reason(a.status); }
inline std::string words_of(const EmitEvent& a) { return (a.warning ? "warn " : "tell ") + a.reason; }
inline std::string words_of(const MarkVerified& a) { return "verified " + named(a.kind, a.name); }
inline std::string words_of(const ReadSecret& a) { return "read Secret " + a.name; }
inline std::string words_of(const ReadRevision& a) { return "read " + a.name; }
inline std::string words_of(const ListPods&) { return "list pods"; }
inline std::string words_of(const RequeueAt& a) { return "look again at " + base::format_time(a.at).substr(11); }
/// The evidence of a failure is left out.
inline std::string words_of(const RecordOutcome& a) {
  std::string words = "mark " + a.name;
  for (const auto& [key, value] : a.marks) {
    if (key != mark::failure && !value.empty()) words += " " + key + "=" + value;
  }
  return words;
}

inline std::string words_of(const Action& action) {
  return std::visit([](const auto& one) { return words_of(one); }, action);
}

inline std::vector<std::string> words_of(const std::vector<Action>& actions) {
  std::vector<std::string> words;
  for (const auto& action : actions) words.push_back(words_of(action));
  return words;
}

inline void PrintTo(const Apply& a, std::ostream* out) {
  *out << words_of(a) << " uid=" << a.uid << " " << a.intent.body;
}
inline void PrintTo(const ReplacePorts& a, std::ostream* out) { *out << words_of(a) << " uid=" << a.uid; }
inline void PrintTo(const HandOverReplicas& a, std::ostream* out) { *out << words_of(a) << " uid=" << a.uid; }
inline void PrintTo(const CreateRevision& a, std::ostream* out) { *out << words_of(a) << " " << a.body; }
inline void PrintTo(const RecordOutcome& a, std::ostream* out) { *out << words_of(a) << " uid=" << a.uid; }
inline void PrintTo(const Delete& a, std::ostream* out) { *out << words_of(a) << " uid=" << a.uid; }
inline void PrintTo(const WriteStatus& a, std::ostream* out) { *out << words_of(a) << " " << a.status; }
inline void PrintTo(const EmitEvent& a, std::ostream* out) { *out << words_of(a) << ": " << a.note; }
inline void PrintTo(const MarkVerified& a, std::ostream* out) { *out << words_of(a) << " " << a.intent_hash; }
inline void PrintTo(const ReadSecret& a, std::ostream* out) { *out << words_of(a); }
inline void PrintTo(const ReadRevision& a, std::ostream* out) { *out << words_of(a); }
inline void PrintTo(const ListPods& a, std::ostream* out) { *out << words_of(a); }
inline void PrintTo(const RequeueAt& a, std::ostream* out) { *out << words_of(a); }

}  // namespace todoapp
