// Location: a line of the user's source, for messages and for observers of ops.
#pragma once

namespace floe {

// A place in the user's source. As a default argument, `Location::here()` is the line of the call.
struct Location {
  const char* file = nullptr;  // as the compiler was given it; null: unknown
  int line = 0;                // from 1

  // The line of the call, as a default argument.
  static constexpr Location here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
};

// While one lives, messages and records of this thread name this place: a composed op or a layer names its caller's
// line, not its own. The outermost place counts, but the innermost layer.
class CallScope {
 public:
  explicit CallScope(Location where);  // outside any layer
  CallScope(Location where, const char* layer);  // the path, which must live as long as the program, or null
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  Location outer_;
  const char* layer_;
};

Location caller(Location where);  // the place to name: the outermost CallScope's, else `where`
const char* calling_layer();      // the innermost CallScope's path; null outside any layer

}  // namespace floe
